/* A chunk of a queue's log, line by line: matched, joined, and written as a row of the columns.
 *
 * A line changes the queue only after all that may stop it has been done, so that it can be read again.
 */
#include "columns.h"
#include "indexing.h"
#include "joining.h"
#include "resolving.h"

struct reader {
    struct join join;
    struct matcher matcher;
    struct mt_dictionaries *dictionaries;
    struct mt_columns *columns;
    struct mt_rejects *rejects;
    struct recent recent;
    struct record record;
    struct text own_host;
    struct text host; /* of the last event, and its index in the queue and in the columns */
    uint32_t host_index;
    uint32_t host_column;
    bool is_odd_host; /* no record may name it */
};

/* Whether a range of a line is a host: what may be one is the same in all formats. */
static bool is_host(struct text host) {
    const uint8_t *place = host.start;
    while (place < host.end && is_host_byte(*place)) place++;
    return place == host.end;
}

/* The host of a line: its text and its index. Neighbouring lines mostly have the same. */
INLINE enum mt_stop find_host(struct reader *reader) {
    struct mt_names *hosts = &reader->join.queue->hosts;
    struct text host = reader->matcher.fields[MT_HOST].range;
    if (is_empty(host)) host = reader->own_host;
    if (LIKELY(same_text(host, reader->host))) return MT_DONE;
    bool is_own = host.start == reader->own_host.start;
    if (length_of(host) > MAX_HOST) return reader->record.reason = MT_BAD_HOST, MT_DONE;
    struct key key = key_of(host, is_own ? host.end : reader->join.chunk.end, hosts);
    uint32_t index = interned(hosts, &key);
    if (index == NO_ROOM) return MT_FULL_QUEUE;
    reader->host = host;
    reader->is_odd_host = !is_own && !is_host(host);
    reader->host_index = index;
    reader->host_column = NOT_LOOKED_UP;
    return MT_DONE;
}

/* What is charged for a delivery; empty if that is no domain. */
INLINE struct text charged_name(const struct reader *reader, const struct ending *ending) {
    const struct mt_message *message = ending->message;
    const struct mt_recipient *recipient = ending->recipient;
    struct text name = name_at(&reader->join, message->name, message->name_end);
    if (recipient->way == MT_SMTP_IN) {
        name = name_at(&reader->join, recipient->name, recipient->name_end);
        if (is_empty(name)) return name; /* a sender may be null, a recipient may not */
        name = domain_of(name);
    }
    return name.start ? name : reader->host;
}

/* The end of what may be read of the bytes that a charged name is in. */
INLINE const uint8_t *readable_end(const struct reader *reader, struct text name) {
    struct text chunk = reader->join.chunk;
    return name.start >= chunk.start && name.end <= chunk.end ? chunk.end : name.end;
}

/* Look the names of a record up, or find another fault of its line. */
INLINE enum mt_stop resolve_names(struct reader *reader, const uint8_t *name_end,
                                  const uint8_t *status_end) {
    struct record *record = &reader->record;
    struct mt_dictionaries *dictionaries = reader->dictionaries;
    note_name(record, &dictionaries->domains, name_end);
    enum mt_stop stop = resolve_domain(dictionaries, name_end, record);
    if (stop || record->reason) return stop;
    if (UNLIKELY(reader->host_column == NOT_LOOKED_UP)) {
        stop = resolve_host(dictionaries, &reader->recent, record);
        if (stop || record->reason) return stop;
        reader->host_column = record->host_index;
    }
    record->host_index = reader->host_column;
    return resolve_status(dictionaries, &reader->recent, status_end, record);
}

/* What a finished delivery is: fill the record, or its reason. */
INLINE enum mt_stop fill_record(struct reader *reader, const struct ending *ending) {
    struct record *record = &reader->record;
    if (!ending->message) return record->reason = MT_UNKNOWN_DELIVERY, MT_DONE;
    int64_t deferrals = ending->recipient->deferrals;
    if (deferrals == INT64_MAX || ending->message->size > INT64_MAX / (deferrals + 1))
        return record->reason = MT_BAD_ATTEMPTS, MT_DONE;
    record->status = reader->matcher.fields[MT_STATUS].range;
    if (!is_status(record->status, reader->join.chunk.end))
        return record->reason = MT_BAD_STATUS, MT_DONE;
    struct text name = charged_name(reader, ending);
    if (is_empty(name)) return record->reason = MT_BAD_DOMAIN, MT_DONE;
    record->time = reader->matcher.fields[MT_TIME].number;
    record->size = ending->message->size;
    record->attempts = deferrals + 1;
    record->service = (uint8_t)ending->recipient->way;
    record->host = reader->host;
    record->name.start = name.start;
    record->name.length = length_of(name);
    return resolve_names(reader, readable_end(reader, name), reader->join.chunk.end);
}

/* What a session is: fill the record, or its reason. The account's domain is charged, or all of it. */
INLINE enum mt_stop fill_session(struct reader *reader) {
    static const uint8_t success[NAME_HEAD] = "success";
    const struct field *fields = reader->matcher.fields;
    struct record *record = &reader->record;
    struct text name = fields[MT_SENDER].range, domain = domain_of(name);
    if (fields[MT_SIZE].number > MT_MAX_SIZE - fields[MT_MORE].number)
        return record->reason = MT_BAD_BYTES, MT_DONE;
    if (!is_host(reader->host)) return record->reason = MT_BAD_HOST, MT_DONE;
    if (is_empty(name)) return record->reason = MT_BAD_DOMAIN, MT_DONE;
    if (!domain.start || *name.start == '[') name = reader->host; /* an address literal */
    else if (!is_empty(domain) || name.end[-1] == '@') name = domain;
    if (is_empty(name)) return record->reason = MT_BAD_DOMAIN, MT_DONE;
    record->time = fields[MT_TIME].number;
    record->size = fields[MT_SIZE].number + fields[MT_MORE].number;
    record->attempts = 1;
    record->service = (uint8_t)fields[MT_WAY].number;
    record->host = reader->host;
    record->status = (struct text){success, success + 7};
    record->name.start = name.start;
    record->name.length = length_of(name);
    return resolve_names(reader, readable_end(reader, name), success + sizeof success);
}

/* Write a record, or note a malformed line. */
INLINE enum mt_stop take_line(struct reader *reader, struct mt_progress *progress) {
    enum mt_stop stop = MT_DONE;
    write_columns(reader->columns, reader->rejects, reader->join.chunk.start, &reader->record, 1,
                  &stop);
    progress->lines += !stop;
    return stop;
}

INLINE enum mt_stop finish(struct reader *reader, struct mt_progress *progress) {
    const struct field *fields = reader->matcher.fields;
    struct ending ending = find_ending(reader->join.queue, reader->host_index, fields);
    enum mt_stop stop = fill_record(reader, &ending);
    if (!stop) stop = take_line(reader, progress);
    if (!stop) end_delivery(&ending, fields[MT_TIME].number, 0);
    return stop;
}

/* Write the record of a session as often as it happened. */
INLINE enum mt_stop end_session(struct reader *reader, uint64_t times,
                                struct mt_progress *progress) {
    enum mt_stop stop = fill_session(reader);
    if (stop) return stop;
    if (reader->record.reason) return take_line(reader, progress);
    const struct mt_columns *columns = reader->columns;
    if (columns->room - columns->count < times) return MT_FULL_ROWS;
    reader->join.queue->repeats_left -= times - 1;
    while (times--) take_line(reader, progress);
    return MT_DONE;
}

/* Take an event into the queue. */
INLINE enum mt_stop join_event(struct reader *reader, enum mt_event event,
                               struct mt_progress *progress) {
    const struct field *fields = reader->matcher.fields;
    const struct join *join = &reader->join;
    enum mt_stop stop = find_host(reader);
    if (UNLIKELY(stop)) return stop;
    if (UNLIKELY(reader->is_odd_host)) reader->record.reason = MT_BAD_HOST;
    if (UNLIKELY(reader->record.reason)) return take_line(reader, progress);
    uint32_t host = reader->host_index;
    int64_t time = fields[MT_TIME].number;
    if (UNLIKELY(time < join->queue->earliest)) join->queue->earliest = time;
    if (event == MT_FINISH) return finish(reader, progress);
    if (event == MT_SESSION) return end_session(reader, (uint64_t)fields[MT_TIMES].number, progress);
    if (event == MT_LEARN) stop = learn(join, host, fields);
    else if (event == MT_START) stop = start(join, host, fields);
    else if (event == MT_DEFER) defer(join->queue, host, fields);
    else forget(join->queue, host, fields);
    progress->passed += !stop;
    return stop;
}

/* What is wrong with a line as a whole, or 0. Its last `\r` is dropped. */
INLINE uint8_t fault_of(struct text *line) {
    if (length_of(*line) > MT_MAX_LINE) return MT_TOO_LONG;
    if (UNLIKELY(is_empty(*line))) return MT_EMPTY;
    if (memchr(line->start, 0, length_of(*line))) return MT_NUL;
    line->end -= line->end[-1] == '\r';
    return is_empty(*line) ? MT_EMPTY : MT_GOOD;
}

/* Do what the outcome of matching a line says. */
INLINE enum mt_stop take_outcome(struct reader *reader, int64_t event,
                                 struct mt_progress *progress) {
    if (event == MT_PASS) return progress->passed++, MT_DONE;
    if (LIKELY(event > 0)) return join_event(reader, (enum mt_event)event, progress);
    reader->record.reason = (uint8_t)-event;
    return take_line(reader, progress);
}

/* Count a line that was taken under its program. */
INLINE void count_outcome(const struct reader *reader, bool is_passed) {
    const struct mt_queue *queue = reader->join.queue;
    int64_t program = reader->matcher.fields[MT_PROGRAM].number;
    if ((uint64_t)program >= queue->programs) return;
    struct mt_outcomes *outcomes = &queue->outcomes[program];
    if (reader->record.reason) outcomes->malformed++;
    else if (is_passed) outcomes->passed++;
    else outcomes->counted++;
}

/* Find the last line of the host of the line that was matched; none where that name is too long. */
INLINE enum mt_stop last_line_of(struct reader *reader, struct mt_last_line **last) {
    struct mt_queue *queue = reader->join.queue;
    enum mt_stop stop = find_host(reader);
    if (stop || reader->record.reason) return stop;
    if (reader->host_index >= queue->last_lines_room) return MT_FULL_QUEUE;
    *last = &queue->last_lines[reader->host_index];
    return MT_DONE;
}

/* Match the line that a repeat stands for, at the time of the repeat. */
RARE int64_t match_again(struct reader *reader, const struct mt_last_line *last) {
    struct matcher *matcher = &reader->matcher;
    const int64_t time = matcher->fields[MT_TIME].number, times = matcher->fields[MT_TIMES].number;
    if (last->start < 0) return -MT_UNKNOWN_REPEAT;
    if (last->start == last->end) return MT_PASS;
    const struct mt_clock clock = *matcher->clock;
    int64_t event = match(matcher, name_at(&reader->join, last->start, last->end));
    *matcher->clock = clock;
    matcher->fields[MT_TIME].number = time;
    matcher->fields[MT_TIMES].number = times;
    return event;
}

/* The outcome of a line that happened other than once: as many records have to be within limits. */
INLINE int64_t within_repeats(const struct reader *reader, int64_t event) {
    int64_t times = reader->matcher.fields[MT_TIMES].number;
    if (event == MT_REPEAT) return -MT_UNKNOWN_REPEAT;
    if (times == 0) return MT_PASS;
    if (event <= MT_PASS || times == 1) return event;
    return (uint64_t)(times - 1) > reader->join.queue->repeats_left ? -MT_BAD_REPEAT : event;
}

/* Take a line that has a program; it is the last one of its host then, unless it repeats that. */
INLINE enum mt_stop take_with_repeats(struct reader *reader, struct text line, int64_t event,
                                      struct mt_progress *progress) {
    const struct join *join = &reader->join;
    const struct field *fields = reader->matcher.fields;
    const bool is_repeat = event == MT_REPEAT;
    struct mt_last_line *last = NULL;
    enum mt_stop stop = last_line_of(reader, &last);
    if (UNLIKELY(stop)) return stop;
    if (UNLIKELY(!last)) {
        reader->record.reason = MT_GOOD;
        return take_outcome(reader, within_repeats(reader, event), progress);
    }
    if (UNLIKELY(is_repeat)) event = match_again(reader, last);
    event = within_repeats(reader, event);
    stop = take_outcome(reader, event, progress);
    if (stop || is_repeat) return stop;
    bool is_known = fields[MT_PROGRAM].number > MT_OTHER_PROGRAM;
    last->start = offset_of(join, line.start);
    last->end = is_known ? offset_of(join, line.end) : last->start;
    return MT_DONE;
}

/* Read a line without its line feed and NULs before it. */
INLINE enum mt_stop read_line(struct reader *reader, struct text line,
                              struct mt_progress *progress) {
    struct record *record = &reader->record;
    const uint64_t passed = progress->passed;
    int64_t event, *program = &reader->matcher.fields[MT_PROGRAM].number;
    record->start = line.start;
    record->end = line.end;
    record->reason = fault_of(&line);
    *program = 0;
    if (record->reason == MT_EMPTY && reader->join.queue->programs) record->reason = MT_GOOD;
    if (LIKELY(!record->reason)) event = is_empty(line) ? MT_PASS : match(&reader->matcher, line);
    else event = -(int64_t)record->reason;
    enum mt_stop stop = reader->join.queue->last_lines && *program
                            ? take_with_repeats(reader, line, event, progress)
                            : take_outcome(reader, event, progress);
    if (LIKELY(!stop)) count_outcome(reader, progress->passed > passed);
    return stop;
}

INLINE enum mt_stop read_lines(struct reader *reader, struct mt_progress *progress) {
    struct text chunk = reader->join.chunk;
    const uint8_t *start = chunk.start + progress->read;
    enum mt_stop stop = MT_DONE;
    while (start < chunk.end && !stop) {
        struct text line = {start, start};
        while (UNLIKELY(*line.start == 0)) line.start++;
        line.end = memchr(line.start, '\n', (size_t)(chunk.end - line.start));
        stop = read_line(reader, line, progress);
        if (UNLIKELY(stop)) break;
        progress->nuls += (uint64_t)(line.start - start);
        start = line.end + 1;
    }
    progress->read = (uint64_t)(start - chunk.start);
    return stop;
}

static bool is_table(const struct mt_table *table) {
    return is_index(table->slot_count, table->room, table->count);
}

static bool is_queue(const struct mt_queue *queue) {
    return is_table(&queue->messages) && is_table(&queue->recipients) &&
           is_table(&queue->deliveries) && queue->hosts.count && queue->max_age >= 0 &&
           queue->clock.offsets;
}

/* Whether a retry goes back to the search of its field, which nothing between writes: every turn finds
 * a later place, or leaves them. Of two searches one is within the other, or they are apart. */
static bool is_retry(const struct mt_program *program, uint64_t index) {
    const struct mt_step *step = &program->steps[index];
    if (step->otherwise >= index) return false;
    const struct mt_step *found = &program->steps[step->otherwise];
    if (found->op != MT_SEARCH && found->op != MT_SEARCH_LAST) return false;
    if (found->otherwise <= index) return false;
    for (const struct mt_step *between = found + 1; between < step; between++)
        if (between->field == step->field ||
            (between->op == MT_ENTER && between->length == step->field) ||
            (between->op == MT_RETRY && between->otherwise < step->otherwise))
            return false;
    return found->field == step->field && step->field >= MT_SCRATCH;
}

static bool is_step(const struct mt_program *program, uint64_t index) {
    const struct mt_step *step = &program->steps[index];
    uint64_t text_end = (uint64_t)step->place + step->length, set_end = (uint64_t)step->set + 256;
    bool is_search = step->op == MT_SEARCH || step->op == MT_SEARCH_LAST;
    bool has_text = step->op == MT_TEXT || step->op == MT_UP_TO || step->op == MT_UP_TO_LAST;
    bool has_set = step->op == MT_BYTES || step->op == MT_UP_TO || step->op == MT_AFTER;
    has_text |= is_search;
    has_set |= is_search;
    if (step->op >= MT_OPS || step->field >= MT_FIELDS) return false;
    if (has_text && (!step->length || text_end > program->length)) return false;
    if (step->place > program->length || step->set > program->length) return false;
    if (has_set && set_end > program->length) return false;
    if (step->op == MT_HEX && (step->length > 16 || step->limit < 0)) return false;
    if (step->op == MT_RETURN) return step->limit > -256 && step->limit < MT_EVENTS;
    if (step->op == MT_ENTER && step->length >= MT_FIELDS) return false;
    if (step->op == MT_RETRY) return is_retry(program, index);
    if ((uint64_t)step->limit >= UINT64_C(1) << 59) return false;
    return index + 1 < program->count && step->otherwise > index &&
           step->otherwise < program->count;
}

int32_t mt_is_sound(const struct mt_program *program) {
    for (uint64_t k = 0; k < program->count; k++)
        if (!is_step(program, k)) return false;
    return program->count > 0;
}

int32_t mt_read_queue(const uint8_t *start, uint64_t length, const struct mt_program *program,
                      struct mt_queue *queue, struct mt_dictionaries *dictionaries,
                      struct mt_columns *columns, struct mt_rejects *rejects,
                      struct mt_progress *progress) {
    if (progress->read >= length) return MT_DONE;
    if (start[length - 1] != '\n') return MT_UNFINISHED;
    if (!is_queue(queue) || !mt_is_sound(program)) return MT_REFUSED;
    const uint8_t *name = queue->hosts.text;
    struct text own_host = {name, memchr(name, '\n', queue->hosts.text_used)};
    if (length_of(own_host) - 1 >= UINT8_MAX) return MT_REFUSED;
    struct reader reader = {.join = {queue, {start, start + length}},
                            .matcher = {.program = program, .clock = &queue->clock},
                            .dictionaries = dictionaries,
                            .columns = columns,
                            .rejects = rejects,
                            .own_host = own_host,
                            .host = own_host,
                            .host_column = NOT_LOOKED_UP};
    return (int32_t)read_lines(&reader, progress);
}

void mt_index_queue(struct mt_queue *queue, const uint8_t *start, uint64_t length) {
    struct join join = {queue, {start, start + length}};
    for (uint64_t k = 0; k < queue->messages.count; k++) {
        const struct mt_message *message = message_at(queue, k);
        uint32_t *slot = slot_of_message(queue, message->host, message->number);
        if (!*slot) *slot = (uint32_t)(k + 1);
    }
    for (uint64_t k = 0; k < queue->deliveries.count; k++) {
        const struct mt_delivery *delivery = delivery_at(queue, k);
        uint32_t *slot = slot_of_delivery(queue, delivery->host, delivery->number);
        if (!*slot) *slot = (uint32_t)(k + 1);
    }
    for (uint64_t k = 0; k < queue->recipients.count; k++) {
        uint32_t *slot = slot_of_recipient(&join, recipient_at(queue, k));
        if (!*slot) *slot = (uint32_t)(k + 1);
    }
}

int32_t mt_copy_names(struct mt_queue *queue, const uint8_t *start, uint64_t length,
                      const int64_t *bounds, uint64_t count, uint8_t *text, uint64_t room) {
    struct join join = {queue, {start, start + length}};
    for (uint64_t k = 0; k < count; k++) {
        struct text name = name_at(&join, bounds[2 * k], bounds[2 * k + 1]);
        if (!name.start || length_of(name) > room) return MT_REFUSED;
        memcpy(text, name.start, length_of(name));
        text += length_of(name);
        room -= length_of(name);
    }
    return MT_DONE;
}

int64_t mt_match(const struct mt_program *program, const uint8_t *start, uint64_t length,
                 int64_t numbers[MT_FIELDS], int64_t bounds[2 * MT_FIELDS]) {
    const int64_t utc = 0;
    struct mt_clock clock = {.offsets = &utc, .first_year = 2000, .previous = MT_NO_TIME};
    struct matcher matcher = {.program = program, .clock = &clock};
    if (!mt_is_sound(program)) return -MT_REFUSED;
    int64_t event = match(&matcher, (struct text){start, start + length});
    for (int k = 0; k < MT_FIELDS; k++) {
        numbers[k] = matcher.fields[k].number;
        bounds[2 * k] = matcher.fields[k].range.start - start;
        bounds[2 * k + 1] = matcher.fields[k].range.end - start;
    }
    return event;
}

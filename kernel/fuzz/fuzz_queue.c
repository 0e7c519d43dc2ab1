/* A target for libFuzzer: any bytes as qmail's own log and as a mail server's log of several programs,
 * whole and in two halves with the state saved and restored between them, and any bytes as a state.
 *
 * Both ways have to agree. queue-program.h is made of the patterns in Python; `make kernel-fuzz` does it.
 */
#include "../c/kernel.h"
#include "queue-program.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 512
#define SLOTS 1024
#define MAX_AGE (INT64_C(1) << 60)
#define REPEATS 256
#define PROGRAMS 8

/* A zone with an hour that is skipped and one that is repeated. */
static const int64_t changes[] = {INT64_C(1774746000), INT64_C(1792890000)};
static const int64_t offsets[] = {3600, 7200, 3600};

static const struct mt_program programs[] = {
    {.steps = (const struct mt_step *)(const void *)qmail_steps,
     .count = sizeof qmail_steps / sizeof(struct mt_step),
     .bytes = qmail_bytes,
     .length = sizeof qmail_bytes},
    {.steps = (const struct mt_step *)(const void *)syslog_steps,
     .count = sizeof syslog_steps / sizeof(struct mt_step),
     .bytes = syslog_bytes,
     .length = sizeof syslog_bytes}};
static int is_syslog; /* which of them is at work */

static void need(int condition) {
    if (!condition) __builtin_trap();
}

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    need(memory != NULL);
    return memory;
}

/* Everything is in one list, to be freed in the end. */
static void *owned[128];
static size_t owned_count;

static void *own(size_t count, size_t size) {
    need(owned_count < sizeof owned / sizeof *owned);
    return owned[owned_count++] = zeros(count, size);
}

static void free_all(void) {
    while (owned_count) free(owned[--owned_count]);
}

static struct mt_names names(void) {
    return (struct mt_names){.slots = own(SLOTS, sizeof(struct mt_slot)),
                             .slot_count = SLOTS,
                             .text = own(ROOM, 128),
                             .text_room = ROOM * 128,
                             .key = {1, 2, 3, 4}};
}

static struct mt_table table(size_t row) {
    return (struct mt_table){.rows = own(ROOM, row),
                             .room = ROOM,
                             .slots = own(SLOTS, sizeof(uint32_t)),
                             .slot_count = SLOTS};
}

static struct mt_queue queue_with(const uint8_t *text, uint64_t length) {
    struct mt_queue queue = {.messages = table(sizeof(struct mt_message)),
                             .recipients = table(sizeof(struct mt_recipient)),
                             .deliveries = table(sizeof(struct mt_delivery)),
                             .hosts = names(),
                             .text = text,
                             .text_length = length,
                             .max_age = MAX_AGE,
                             .earliest = INT64_MAX,
                             .key = {5, 6, 7, 8},
                             .clock = {.changes = changes,
                                       .offsets = offsets,
                                       .count = 2,
                                       .modified = INT64_C(1793000000),
                                       .first_year = -1,
                                       .previous = MT_NO_TIME,
                                       .second_pass = MT_NO_TIME,
                                       .begins = 1}};
    mt_intern(&queue.hosts, (const uint8_t *)"own", 3);
    if (!is_syslog) return queue;
    queue.last_lines = own(SLOTS, sizeof(struct mt_last_line));
    queue.last_lines_room = SLOTS;
    for (int k = 0; k < SLOTS; k++) queue.last_lines[k].start = -1;
    queue.repeats_left = REPEATS;
    queue.outcomes = own(PROGRAMS, sizeof(struct mt_outcomes));
    queue.programs = PROGRAMS;
    return queue;
}

struct result {
    struct mt_dictionaries dictionaries;
    struct mt_columns columns;
    struct mt_rejects rejects;
    uint64_t passed, lines;
    int is_full;
};

static void begin(struct result *result) {
    memset(result, 0, sizeof *result);
    struct mt_dictionaries *dictionaries = &result->dictionaries;
    dictionaries->hosts = names();
    dictionaries->statuses = names();
    dictionaries->domains = names();
    dictionaries->spellings = names();
    dictionaries->canonical = own(SLOTS, sizeof(int64_t));
    result->rejects = (struct mt_rejects){
        .start = own(ROOM, 8), .end = own(ROOM, 8), .reason = own(ROOM, 1), .room = ROOM};
    result->columns = (struct mt_columns){.time = own(ROOM, 8),
                                          .size = own(ROOM, 8),
                                          .attempts = own(ROOM, 8),
                                          .service = own(ROOM, 1),
                                          .host = own(ROOM, 2),
                                          .status = own(ROOM, 1),
                                          .domain = own(ROOM, 4),
                                          .room = ROOM};
}

static void settle(struct mt_dictionaries *dictionaries) {
    for (; dictionaries->settled < dictionaries->spellings.count; dictionaries->settled++)
        dictionaries->canonical[dictionaries->settled] =
            mt_intern(&dictionaries->domains, (const uint8_t *)"xn--a.example", 13);
}

static void read_all(struct result *result, struct mt_queue *queue, const uint8_t *chunk,
                     size_t length) {
    const struct mt_program *program = &programs[is_syslog];
    struct mt_progress progress = {0};
    int32_t stop;
    mt_index_queue(queue, chunk, length);
    while ((stop = mt_read_queue(chunk, length, program, queue, &result->dictionaries,
                                 &result->columns, &result->rejects, &progress)) ==
           MT_NEW_SPELLING)
        settle(&result->dictionaries);
    need(stop != MT_REFUSED && stop != MT_UNFINISHED);
    result->is_full |= stop != MT_DONE;
    result->passed += progress.passed;
    result->lines += progress.lines;
}

/* Save all that is in progress, and return the queue that it is restored to. */
static struct mt_queue saved_and_restored(struct mt_queue *queue, const uint8_t *chunk,
                                          size_t length) {
    uint32_t *rows = own(ROOM, 4);
    uint8_t *needed = own(ROOM, 1), *kept = own(ROOM, 1);
    uint32_t *hosts = own(SLOTS, 4), *same_hosts = own(SLOTS, 4);
    mt_weigh_queue(queue, rows, needed);
    for (uint64_t k = 0; k < queue->messages.count; k++) kept[k] = rows[k] > 0;
    struct mt_saving saving = {.kept = kept,
                               .needed = needed,
                               .message_row = own(ROOM, 4),
                               .recipient_row = own(ROOM, 4),
                               .hosts = hosts};
    struct mt_saved counted = {0};
    mt_save_queue(queue, chunk, length, &saving, &counted);
    for (uint32_t k = 0; k < SLOTS; k++) hosts[k] = same_hosts[k] = k;
    struct mt_saved saved = {.messages.rows = own(counted.messages.count + 1, 40),
                             .recipients.rows = own(counted.recipients.count + 1, 32),
                             .deliveries.rows = own(counted.deliveries.count + 1, 24),
                             .text = own(counted.text_length + 1, 1)};
    mt_save_queue(queue, chunk, length, &saving, &saved);
    need(saved.text_length == counted.text_length);
    struct mt_queue restored = queue_with(saved.text, saved.text_length);
    restored.hosts = queue->hosts;
    need(!mt_restore_queue(&restored, &saved, same_hosts, queue->hosts.count, 0));
    return restored;
}

/* Give a queue the clock, the last lines and the limits of another, after a chunk. */
static void carry(struct mt_queue *to, const struct mt_queue *from, const uint8_t *chunk,
                  size_t length) {
    uint8_t *text = own(from->text_length + length, 1);
    memcpy(text, chunk, length);
    need(from->text_length == 0 && to->text_length == 0);
    to->text = text;
    to->text_length = length;
    to->last_lines = from->last_lines;
    to->clock = from->clock;
    to->repeats_left = from->repeats_left;
    to->outcomes = from->outcomes;
}

/* A state of any bytes is refused, or does no harm. */
static void restore_any(const uint8_t *data, size_t size) {
    if (size < 16) return;
    struct mt_saved saved = {.messages = {(uint8_t *)(uintptr_t)data + 4, data[0] % 4},
                             .recipients = {NULL, data[1] % 4},
                             .deliveries = {NULL, data[2] % 4}};
    saved.recipients.rows = saved.messages.rows + saved.messages.count * 40;
    saved.deliveries.rows = saved.recipients.rows + saved.recipients.count * 32;
    const uint8_t *text = saved.deliveries.rows + saved.deliveries.count * 24;
    if (text > data + size) return;
    const uint32_t hosts[] = {0, 0};
    struct mt_queue queue = queue_with(text, (uint64_t)(data + size - text));
    if (mt_restore_queue(&queue, &saved, hosts, 2, data[3] % 2)) return;
    struct result result;
    begin(&result);
    const uint8_t line[] = "@4000000038c3eeb027f6b0a4 delivery 1: success: ok/\n";
    read_all(&result, &queue, line, sizeof line - 1);
}

static void compare(const struct result *one, const struct result *other) {
    need(one->lines == other->lines && one->passed == other->passed);
    need(one->columns.count == other->columns.count);
    need(one->rejects.count == other->rejects.count);
    need(!memcmp(one->columns.size, other->columns.size, one->columns.count * 8));
    need(!memcmp(one->columns.attempts, other->columns.attempts, one->columns.count * 8));
    need(!memcmp(one->columns.domain, other->columns.domain, one->columns.count * 4));
    need(!memcmp(one->rejects.reason, other->rejects.reason, one->rejects.count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read an input as the log of a program, in both ways. */
static void try_program(const uint8_t *data, size_t size) {
    uint8_t *chunk = own(size + 1, 1); /* of its size: the sanitizer knows its end */
    if (size) memcpy(chunk, data, size);
    chunk[size] = '\n';
    struct result whole, halves;
    begin(&whole);
    begin(&halves);
    struct mt_queue queue = queue_with(chunk, 0);
    read_all(&whole, &queue, chunk, size + 1);
    const uint8_t *half = memchr(chunk + size / 2, '\n', size + 1 - size / 2);
    size_t length = (size_t)(half + 1 - chunk);
    uint8_t *first = own(length, 1), *second = own(size + 1 - length + !(size + 1 - length), 1);
    memcpy(first, chunk, length);
    memcpy(second, chunk + length, size + 1 - length);
    struct mt_queue before = queue_with(first, 0);
    read_all(&halves, &before, first, length);
    struct mt_queue after = saved_and_restored(&before, first, length);
    if (is_syslog) carry(&after, &before, first, length);
    if (size + 1 > length) read_all(&halves, &after, second, size + 1 - length);
    if (!whole.is_full && !halves.is_full) compare(&whole, &halves);
    if (is_syslog)
        need(!memcmp(queue.outcomes, after.outcomes, PROGRAMS * sizeof *queue.outcomes) ||
             whole.is_full || halves.is_full);
    else restore_any(data, size);
    free_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (is_syslog = 0; is_syslog < 2; is_syslog++) try_program(data, size);
    return 0;
}

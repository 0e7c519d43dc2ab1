/* A target for libFuzzer: any sound program over any bytes, by line and as a queue's log.
 *
 * Programs are trusted to say what a line means, not to keep within it: whatever their steps are, the
 * ranges of a line's fields lie in that line, and nothing else is read.
 */
#include "queue_room.h"

#define MOST_STEPS 40
#define STEP_BYTES 8

/* Texts and sets for the steps: letters, and which of the 256 bytes are letters or digits. */
#define TEXTS 16
static uint8_t program_bytes[TEXTS + 256];

static void fill_program_bytes(void) {
    memcpy(program_bytes, "ab: <>,\"\\0129@\n.x", TEXTS);
    for (int k = 0; k < 256; k++)
        program_bytes[TEXTS + k] = (k >= 'a' && k <= 'z') || (k >= '0' && k <= '9');
}

static bool is_search(const struct mt_step *step) {
    return step->op == MT_SEARCH || step->op == MT_SEARCH_LAST;
}

static bool writes(const struct mt_step *step, uint8_t field) {
    return step->field == field || (step->op == MT_ENTER && step->length == field);
}

/* Let a retry go back to the last search, or jump on if that may not be searched again. */
static void aim_retry(struct mt_step *steps, uint16_t index) {
    uint16_t back = index;
    while (back && !is_search(&steps[back])) back--;
    uint8_t field = steps[back].field;
    bool is_sound = is_search(&steps[back]) && steps[back].otherwise > index;
    for (uint16_t k = back + 1; k < index; k++) is_sound = is_sound && !writes(&steps[k], field);
    if (!is_sound) steps[index].op = MT_JUMP;
    else steps[index].field = field, steps[index].otherwise = back;
}

/* A step of eight bytes; one that goes on to a later step wherever it is placed. */
static struct mt_step step_of_bytes(const uint8_t *data, uint16_t index, uint16_t count) {
    struct mt_step step = {.op = data[0] % MT_OPS, .field = data[1] % MT_FIELDS};
    bool is_hex = step.op == MT_HEX;
    step.place = data[3] % TEXTS;
    step.length = is_hex ? data[4] % 17 : 1 + data[4] % (TEXTS - step.place);
    step.set = TEXTS;
    step.most = data[5];
    step.limit = (int64_t)(UINT64_C(1) << data[6] % 59) + (int8_t)data[7];
    if (step.limit < 0) step.limit = 0;
    step.bias = is_hex ? data[5] * UINT64_C(0x4000000000000000) : 0;
    if (is_search(&step)) step.field = (uint8_t)(MT_SCRATCH + data[1] % (MT_FIELDS - MT_SCRATCH));
    if (index + 1 == count) step.op = MT_RETURN;
    else step.otherwise = (uint16_t)(index + 1 + data[2] % (count - index - 1));
    if (step.op == MT_RETURN) step.limit = data[6] % (MT_EVENTS + 3) - 3;
    return step;
}

static void need_range(int64_t start, int64_t end, size_t length) {
    need(0 <= start && start <= end && end <= (int64_t)length);
}

static void match_any(const struct mt_program *program, const uint8_t *chunk, size_t length) {
    int64_t numbers[MT_FIELDS], bounds[2 * MT_FIELDS];
    mt_match(program, chunk, length, numbers, bounds);
    for (int k = 0; k < MT_FIELDS; k++) need_range(bounds[2 * k], bounds[2 * k + 1], length);
}

/* What a record says is what any may say. */
static void need_sound(const struct result *result) {
    const struct mt_columns *columns = &result->columns;
    for (uint64_t k = 0; k < columns->count; k++) {
        need(columns->time[k] >= 0 && columns->size[k] >= 0 && columns->attempts[k] >= 1);
        need(columns->host[k] < result->dictionaries.hosts.count);
        need(columns->status[k] < result->dictionaries.statuses.count);
        need(columns->domain[k] < result->dictionaries.domains.count);
    }
    const struct mt_names *hosts = &result->dictionaries.hosts;
    const struct mt_names *statuses = &result->dictionaries.statuses;
    for (uint64_t k = 0; k < hosts->text_used; k++) need(hosts->text[k] < 0x80);
    for (uint64_t k = 0; k < statuses->text_used; k++) need(statuses->text[k] < 0x80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    uint16_t count = (uint16_t)(1 + data[0] % MOST_STEPS);
    if (size - 1 < (size_t)count * STEP_BYTES) return 0;
    fill_program_bytes();
    struct mt_step *steps = own(count, sizeof *steps);
    for (uint16_t k = 0; k < count; k++) {
        steps[k] = step_of_bytes(data + 1 + k * STEP_BYTES, k, count);
        if (steps[k].op == MT_RETRY) aim_retry(steps, k);
    }
    const struct mt_program program = {
        .steps = steps, .count = count, .bytes = program_bytes, .length = sizeof program_bytes};
    need(mt_is_sound(&program));
    size_t used = 1 + (size_t)count * STEP_BYTES, length = size - used + 1;
    uint8_t *chunk = own(length, 1); /* of its size: the sanitizer knows its end */
    memcpy(chunk, data + used, length - 1);
    chunk[length - 1] = '\n';
    match_any(&program, chunk, length - 1);
    struct result result;
    begin(&result);
    struct mt_queue queue = queue_of_programs(chunk, 0);
    read_with(&program, &result, &queue, chunk, length);
    need_sound(&result);
    continued(&queue, chunk, length);
    free_all();
    return 0;
}

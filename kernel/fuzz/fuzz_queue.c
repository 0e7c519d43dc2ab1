/* A target for libFuzzer: any bytes as qmail's own log, whole and in two halves with the state saved and
 * restored between them, and any bytes as a state.
 *
 * Both ways have to agree. queue-program.h is made of the pattern in Python; `make kernel-fuzz` does it.
 */
#include "queue_room.h"
/* It needs the types of the other. */
#include "queue-program.h"

static void read_all(struct result *result, struct mt_queue *queue, const uint8_t *chunk,
                     size_t length) {
    const struct mt_program program = {.steps = (const struct mt_step *)(const void *)program_steps,
                                       .count = sizeof program_steps / sizeof(struct mt_step),
                                       .bytes = program_bytes,
                                       .length = sizeof program_bytes};
    read_with(&program, result, queue, chunk, length);
}

/* Lines that use what a state may have, of the numbers 1 and 2. */
#define STAMP "@4000000038c3eeb027f6b0a4 "
static const uint8_t lines[] = STAMP "delivery 1: success: ok/\n"
                               STAMP "delivery 2: deferral: later/\n"
                               STAMP "starting delivery 1: msg 1 to local a@b.example\n"
                               STAMP "starting delivery 2: msg 2 to remote c@d.example\n"
                               STAMP "delivery 2: failure: no/\n";

/* A state of any bytes is refused, or does no harm, and what it becomes can be saved again. */
static void restore_any(const uint8_t *data, size_t size) {
    if (size < 16) return;
    struct mt_saved saved = {.messages = {(uint8_t *)(uintptr_t)data + 4, data[0] % 16},
                             .recipients = {NULL, data[1] % 16},
                             .deliveries = {NULL, data[2] % 16}};
    saved.recipients.rows = saved.messages.rows + saved.messages.count * 40;
    saved.deliveries.rows = saved.recipients.rows + saved.recipients.count * 32;
    const uint8_t *text = saved.deliveries.rows + saved.deliveries.count * 24;
    if (text > data + size) return;
    const uint32_t hosts[] = {0, 0};
    struct mt_queue queue = queue_with(text, (uint64_t)(data + size - text));
    if (mt_restore_queue(&queue, &saved, hosts, 2, data[3] % 2)) return;
    struct result result;
    begin(&result);
    read_all(&result, &queue, lines, sizeof lines - 1);
    saved_and_restored(&queue, lines, sizeof lines - 1);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
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
    if (size + 1 > length) read_all(&halves, &after, second, size + 1 - length);
    if (!whole.is_full && !halves.is_full) compare(&whole, &halves);
    restore_any(data, size);
    free_all();
    return 0;
}

/* A target for libFuzzer: any bytes as qmail's own log and as a mail server's log of several programs,
 * whole and in two halves, the second with what the first left.
 *
 * Both ways have to agree. queue-program.h is made of the patterns in Python; `make kernel-fuzz` does it.
 */
#include "queue_room.h"

#include "queue-program.h"

static const struct mt_program qmail = {.steps = (const struct mt_step *)(const void *)qmail_steps,
                                        .count = sizeof qmail_steps / sizeof(struct mt_step),
                                        .bytes = qmail_bytes,
                                        .length = sizeof qmail_bytes};
static const struct mt_program syslog = {.steps = (const struct mt_step *)(const void *)syslog_steps,
                                         .count = sizeof syslog_steps / sizeof(struct mt_step),
                                         .bytes = syslog_bytes,
                                         .length = sizeof syslog_bytes};

static void compare(const struct result *one, const struct result *other) {
    need(one->lines == other->lines && one->passed == other->passed);
    need(one->columns.count == other->columns.count);
    need(one->rejects.count == other->rejects.count);
    need(!memcmp(one->columns.time, other->columns.time, one->columns.count * 8));
    need(!memcmp(one->columns.size, other->columns.size, one->columns.count * 8));
    need(!memcmp(one->columns.attempts, other->columns.attempts, one->columns.count * 8));
    need(!memcmp(one->columns.domain, other->columns.domain, one->columns.count * 4));
    need(!memcmp(one->rejects.reason, other->rejects.reason, one->rejects.count));
}

static void compare_outcomes(const struct mt_queue *one, const struct mt_queue *other) {
    need(!memcmp(one->outcomes, other->outcomes, one->programs * sizeof *one->outcomes));
}

/* Read a chunk of whole lines in both ways. */
static void read_whole_and_halves(const struct mt_program *program,
                                  struct mt_queue (*empty)(const uint8_t *, uint64_t),
                                  const uint8_t *chunk, size_t size) {
    struct result whole, halves;
    begin(&whole);
    begin(&halves);
    struct mt_queue queue = empty(chunk, 0);
    read_with(program, &whole, &queue, chunk, size);
    const uint8_t *half = memchr(chunk + (size - 1) / 2, '\n', size - (size - 1) / 2);
    size_t length = (size_t)(half + 1 - chunk), more = size - length;
    uint8_t *first = own(length, 1), *second = own(more + !more, 1);
    memcpy(first, chunk, length);
    memcpy(second, chunk + length, more);
    struct mt_queue before = empty(first, 0);
    read_with(program, &halves, &before, first, length);
    struct mt_queue after = continued(&before, first, length);
    if (more) read_with(program, &halves, &after, second, more);
    if (whole.is_full || halves.is_full) return;
    compare(&whole, &halves);
    if (queue.programs) compare_outcomes(&queue, &after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *chunk = own(size + 1, 1); /* of its size: the sanitizer knows its end */
    if (size) memcpy(chunk, data, size);
    chunk[size] = '\n';
    read_whole_and_halves(&qmail, queue_with, chunk, size + 1);
    read_whole_and_halves(&syslog, queue_of_programs, chunk, size + 1);
    free_all();
    return 0;
}

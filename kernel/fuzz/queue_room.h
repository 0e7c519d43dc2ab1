/* What the targets for queues share: room for a queue and for what its lines become, and its way to the next
 * chunk. All memory is in one list, which is freed at the end of an input.
 */
#ifndef MAILTALLY_QUEUE_ROOM_H
#define MAILTALLY_QUEUE_ROOM_H

#include "../c/kernel.h"

#include <stdbool.h>
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

static void need(int condition) {
    if (!condition) __builtin_trap();
}

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    need(memory != NULL);
    return memory;
}

static void *owned[256];
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
                                       .count = sizeof changes / sizeof *changes,
                                       .modified = INT64_C(1793000000),
                                       .first_year = -1,
                                       .previous = MT_NO_TIME,
                                       .second_pass = MT_NO_TIME,
                                       .begins = 1}};
    mt_intern(&queue.hosts, (const uint8_t *)"own", 3);
    return queue;
}

/* The same for a log of several programs, whose lines may be repeated. */
static struct mt_queue queue_of_programs(const uint8_t *text, uint64_t length) {
    struct mt_queue queue = queue_with(text, length);
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

static void read_with(const struct mt_program *program, struct result *result,
                      struct mt_queue *queue, const uint8_t *chunk, size_t length) {
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

/* A table with the rows of another, and an empty index. */
static struct mt_table copied(const struct mt_table *from, size_t row) {
    struct mt_table made = table(row);
    memcpy(made.rows, from->rows, ROOM * row);
    made.count = from->count;
    return made;
}

/* The queue before the next chunk, as one that goes on from what a queue knows after its first chunk, which
 * is its text then. All names of recipients can be copied. */
static struct mt_queue continued(const struct mt_queue *queue, const uint8_t *chunk,
                                 size_t length) {
    need(queue->text_length == 0);
    struct mt_queue next = *queue;
    next.messages = copied(&queue->messages, sizeof(struct mt_message));
    next.recipients = copied(&queue->recipients, sizeof(struct mt_recipient));
    next.deliveries = copied(&queue->deliveries, sizeof(struct mt_delivery));
    next.text = chunk;
    next.text_length = length;
    const struct mt_recipient *recipients = next.recipients.rows;
    for (uint64_t k = 0; k < next.recipients.count; k++) {
        const int64_t bounds[] = {recipients[k].name, recipients[k].name_end};
        uint64_t size = (uint64_t)(bounds[1] - bounds[0]);
        uint8_t text[MT_MAX_LINE];
        need(mt_copy_names(&next, chunk, 0, bounds, 1, text, size) == MT_DONE);
        need(!memcmp(text, chunk + bounds[0], size));
        need(!size || mt_copy_names(&next, chunk, 0, bounds, 1, text, size - 1) == MT_REFUSED);
    }
    return next;
}

#endif

/* What the targets for queues share: room for a queue and for what its lines become, and its way through a
 * saved state. All memory is in one list, which is freed at the end of an input.
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

static void need(int condition) {
    if (!condition) __builtin_trap();
}

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    need(memory != NULL);
    return memory;
}

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
                             .key = {5, 6, 7, 8}};
    mt_intern(&queue.hosts, (const uint8_t *)"own", 3);
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

#endif

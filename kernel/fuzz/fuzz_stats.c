/* A target for libFuzzer: any bytes, read with each instruction set, unfolded and folded.
 *
 * The sanitizers find reads and writes past an end, overflows and undefined behaviour. Here it is
 * compared what the ways of reading have to agree in; the plain reference parser is compared with by
 * the tests in Python. `make kernel-fuzz` builds and runs it.
 */
#include "../c/kernel.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 128
#define ROWS 128
#define ROOM 256

static void need(int condition) {
    if (!condition) __builtin_trap();
}

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    need(memory != NULL);
    return memory;
}

static struct mt_names empty_names(void) {
    struct mt_names names = {.slots = zeros(SLOTS, sizeof(struct mt_slot)),
                             .slot_count = SLOTS,
                             .text = zeros(ROOM, 64),
                             .text_room = ROOM * 64,
                             .key = {1, 2, 3, 4}};
    return names;
}

static void free_names(struct mt_names *names) {
    free(names->slots);
    free(names->text);
}

struct result {
    struct mt_dictionaries dictionaries;
    struct mt_rejects rejects;
    struct mt_columns columns;
    struct mt_rows rows;
    struct mt_progress progress;
};

static void begin(struct result *result) {
    memset(result, 0, sizeof *result);
    struct mt_dictionaries *names = &result->dictionaries;
    names->hosts = empty_names();
    names->statuses = empty_names();
    names->domains = empty_names();
    names->spellings = empty_names();
    names->canonical = zeros(SLOTS, sizeof *names->canonical);
    result->rejects = (struct mt_rejects){
        .start = zeros(ROOM, 8), .end = zeros(ROOM, 8), .reason = zeros(ROOM, 1), .room = ROOM};
    result->columns = (struct mt_columns){.time = zeros(ROOM, 8),
                                          .size = zeros(ROOM, 8),
                                          .attempts = zeros(ROOM, 8),
                                          .service = zeros(ROOM, 1),
                                          .host = zeros(ROOM, 2),
                                          .status = zeros(ROOM, 1),
                                          .domain = zeros(ROOM, 4),
                                          .outgoing = zeros(ROOM, 1),
                                          .sender = zeros(ROOM, 4),
                                          .separator = zeros(ROOM, 4),
                                          .recipient_end = zeros(ROOM, 4),
                                          .room = ROOM};
    result->rows = (struct mt_rows){.slots = zeros(2 * ROWS, sizeof(uint64_t)),
                                    .slot_count = 2 * ROWS,
                                    .rows = zeros(ROWS, sizeof(struct mt_row)),
                                    .room = ROWS,
                                    .key = {5, 6},
                                    .step_seconds = 3600,
                                    .earliest = INT64_MAX,
                                    .latest = -1};
}

static void end(struct result *result) {
    struct mt_columns *columns = &result->columns;
    void *memory[] = {columns->time,     columns->size,      columns->attempts,
                      columns->service,  columns->host,      columns->status,
                      columns->domain,   columns->outgoing,  columns->sender,
                      columns->separator, columns->recipient_end, result->rejects.start,
                      result->rejects.end, result->rejects.reason, result->rows.slots,
                      result->rows.rows,   result->dictionaries.canonical};
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++) free(memory[k]);
    free_names(&result->dictionaries.hosts);
    free_names(&result->dictionaries.statuses);
    free_names(&result->dictionaries.domains);
    free_names(&result->dictionaries.spellings);
}

/* Settle new spellings: a half of them is a domain. */
static void settle(struct mt_dictionaries *names) {
    for (; names->settled < names->spellings.count; names->settled++) {
        int64_t domain = mt_intern(&names->domains, (const uint8_t *)"xn--a.example", 13);
        names->canonical[names->settled] = names->settled % 2 ? domain : MT_NOT_A_DOMAIN;
    }
}

static void read_all(struct result *result, int32_t level, int folded, const uint8_t *chunk,
                     size_t length, void *workspace) {
    for (;;) {
        int32_t stop = mt_read_stats(level, chunk, length, &result->dictionaries,
                                     folded ? NULL : &result->columns,
                                     folded ? &result->rows : NULL, &result->rejects, workspace,
                                     mt_workspace_size(), &result->progress);
        if (stop != MT_NEW_SPELLING) return;
        settle(&result->dictionaries);
    }
}

static int64_t messages_of(const struct mt_rows *rows) {
    int64_t messages = 0;
    for (uint64_t k = 0; k < rows->count; k++) messages += rows->rows[k].messages;
    return messages;
}

static int64_t bytes_of(const struct result *result) {
    int64_t bytes = 0;
    for (uint64_t k = 0; k < result->columns.count; k++) bytes += result->columns.size[k];
    for (uint64_t k = 0; k < result->rows.count; k++) bytes += result->rows.rows[k].bytes;
    return bytes;
}

static void compare(const struct result *one, const struct result *other) {
    if (one->progress.read != other->progress.read) return; /* one of them was full */
    uint64_t records = one->columns.count + (uint64_t)messages_of(&one->rows);
    need(records == other->columns.count + (uint64_t)messages_of(&other->rows));
    need(bytes_of(one) == bytes_of(other));
    need(one->rejects.count == other->rejects.count);
    need(!memcmp(one->rejects.reason, other->rejects.reason, one->rejects.count));
    need(!memcmp(one->rejects.start, other->rejects.start, one->rejects.count * 8));
    need(one->progress.lines == records + one->rejects.count);
    need(one->progress.nuls == other->progress.nuls);
}

/* Rows that are taken have the sums of those in the table, and are in order. An index that is filled from
 * them finds each. */
static void take(struct mt_rows *rows) {
    int64_t wide[4][ROWS], messages = 0;
    uint8_t service[ROWS], status[ROWS];
    uint16_t host[ROWS];
    uint32_t domain[ROWS], order[2 * ROWS];
    struct mt_sums sums = {wide[0], wide[1], wide[2], wide[3], service,
                           host,    status,  domain,  rows->count};
    need(mt_take_rows(rows, order, &sums) == MT_DONE);
    for (uint64_t k = 0; k < rows->count; k++) {
        messages += sums.messages[k];
        if (!k || sums.start[k - 1] < sums.start[k]) continue;
        need(sums.start[k - 1] == sums.start[k] && service[k - 1] <= service[k]);
    }
    need(messages == messages_of(rows));
    uint64_t slots[2 * ROWS];
    memcpy(slots, rows->slots, sizeof slots);
    memset(rows->slots, 0, sizeof slots);
    mt_index_rows(rows);
    need(!memcmp(slots, rows->slots, sizeof slots)); /* rows are put in as they were found */
    sums.room--;
    need(!rows->count || mt_take_rows(rows, order, &sums) == MT_REFUSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *chunk = zeros(size + 1, 1); /* of its size: the sanitizer knows its end */
    memcpy(chunk, data, size);
    chunk[size] = '\n';
    static void *workspace;
    if (workspace == NULL) workspace = zeros(mt_workspace_size(), 1);
    struct result results[4];
    int count = 0;
    for (int32_t level = 0; level <= mt_best_level(); level++) {
        for (int folded = 0; folded < 2; folded++) {
            begin(&results[count]);
            read_all(&results[count++], level, folded, chunk, size + 1, workspace);
        }
    }
    for (int k = 1; k < count; k++) compare(&results[0], &results[k]);
    for (int k = 0; k < count; k++) take(&results[k].rows);
    for (int k = 0; k < count; k++) end(&results[k]);
    free(chunk);
    return 0;
}

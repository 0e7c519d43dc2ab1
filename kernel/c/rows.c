/* Rows of sums at rest: their index is filled, and they are taken as columns. */
#include "folding.h"

void mt_index_rows(struct mt_rows *rows) {
    for (uint64_t k = 0; k < rows->count; k++) {
        const struct mt_row *row = &rows->rows[k];
        uint64_t digest = digest_of_row(rows, place_of(row->step, row->domain),
                                        kind_of(row->host, row->service, row->status));
        uint64_t place = digest;
        while (*row_slot(rows, place)) place++;
        *row_slot(rows, place) = slot_for(digest, k);
    }
}

#define KEY_BYTES 12

/* The bytes of a row's key, the least significant first: domain, host, status, service, step. */
static const uint8_t key_bytes[KEY_BYTES] = {28, 29, 30, 31, 32, 33, 35, 34, 24, 25, 26, 27};
_Static_assert(offsetof(struct mt_row, domain) == 28 && offsetof(struct mt_row, step) == 24 &&
                   offsetof(struct mt_row, status) == 35,
               "as the numbers above");

INLINE uint8_t key_byte(const struct mt_rows *rows, uint64_t row, size_t byte) {
    return ((const uint8_t *)&rows->rows[row])[key_bytes[byte]];
}

/* How many rows have each value of each byte of the key. */
static void count_bytes(const struct mt_rows *rows, uint32_t counts[KEY_BYTES][UINT8_MAX + 1]) {
    memset(counts, 0, KEY_BYTES * sizeof *counts);
    for (uint64_t row = 0; row < rows->count; row++)
        for (size_t byte = 0; byte < KEY_BYTES; byte++) counts[byte][key_byte(rows, row, byte)]++;
}

/* Order rows by one byte, and keep the order of those that have the same one. */
static void order_by(const struct mt_rows *rows, size_t byte, const uint32_t *counts,
                     const uint32_t *from, uint32_t *to) {
    uint32_t place[UINT8_MAX + 1], next = 0;
    for (size_t value = 0; value <= UINT8_MAX; next += counts[value++]) place[value] = next;
    for (uint64_t k = 0; k < rows->count; k++)
        to[place[key_byte(rows, from[k], byte)]++] = from[k];
}

/* The numbers of the rows in order, in one half of the room given, which is twice their count. */
static const uint32_t *ordered(const struct mt_rows *rows, uint32_t *order) {
    uint32_t counts[KEY_BYTES][UINT8_MAX + 1];
    uint32_t *from = order, *to = order + rows->count;
    count_bytes(rows, counts);
    for (uint32_t k = 0; k < rows->count; k++) from[k] = k;
    for (size_t byte = 0; byte < KEY_BYTES; byte++) {
        if (counts[byte][key_byte(rows, 0, byte)] == rows->count) continue;
        order_by(rows, byte, counts[byte], from, to);
        uint32_t *other = from;
        from = to;
        to = other;
    }
    return from;
}

int32_t mt_take_rows(const struct mt_rows *rows, uint32_t *order, const struct mt_sums *sums) {
    if (sums->room < rows->count) return MT_REFUSED;
    if (!rows->count) return MT_DONE;
    const uint32_t *numbers = ordered(rows, order);
    for (uint64_t k = 0; k < rows->count; k++) {
        const struct mt_row *row = &rows->rows[numbers[k]];
        sums->start[k] = row->step * rows->step_seconds;
        sums->messages[k] = row->messages;
        sums->bytes[k] = row->bytes;
        sums->extra[k] = row->transferred - row->bytes;
        sums->service[k] = row->service;
        sums->host[k] = row->host;
        sums->status[k] = row->status;
        sums->domain[k] = row->domain;
    }
    return MT_DONE;
}

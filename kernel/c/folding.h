/* The last pass over a window, folded: records with the same key are added up in one row. */
#ifndef MAILTALLY_FOLDING_H
#define MAILTALLY_FOLDING_H

#include "columns.h"
#include "indexing.h"

/* The step that was last found, so that most records need no division. */
struct step {
    int64_t start;
    int64_t seconds;
    uint32_t number;
};

INLINE uint32_t step_of(int64_t time, struct step *step) {
    if (UNLIKELY((uint64_t)(time - step->start) >= (uint64_t)step->seconds)) {
        step->number = (uint32_t)(time / step->seconds);
        step->start = step->number * step->seconds;
    }
    return step->number;
}

/* Host, service and status as one word. */
INLINE uint64_t kind_of(uint16_t host, uint8_t service, uint8_t status) {
    return (uint64_t)host << 16 | (uint64_t)service << 8 | status;
}

INLINE uint64_t kind_of_record(const struct record *record) {
    return kind_of((uint16_t)record->host_index, record->service, (uint8_t)record->status_index);
}

/* Step and domain as one word. */
INLINE uint64_t place_of(uint32_t step, uint32_t domain) { return (uint64_t)step << 32 | domain; }

INLINE uint64_t *row_slot(const struct mt_rows *rows, uint64_t digest) {
    return &rows->slots[digest & (rows->slot_count - 1)];
}

INLINE uint64_t digest_of_row(const struct mt_rows *rows, uint64_t place, uint64_t kind) {
    return folded(place ^ rows->key[0], kind ^ rows->key[1]);
}

/* Note where a record's row is looked for, and fetch that into the cache meanwhile. */
INLINE void note_row(struct record *record, const struct mt_rows *rows, struct step *step) {
    record->step = step_of(record->time, step);
    record->row = digest_of_row(rows, place_of(record->step, record->domain_index),
                                kind_of_record(record));
    __builtin_prefetch(row_slot(rows, record->row), 1);
}

/* Fetch the row that is probably meant. */
INLINE void fetch_row(const struct record *record, const struct mt_rows *rows) {
    uint64_t slot = *row_slot(rows, record->row);
    if (LIKELY(may_be(slot, record->row))) __builtin_prefetch(rows->rows + row_in(slot), 1);
}

INLINE bool is_row_of(const struct mt_row *row, const struct record *record) {
    return place_of(row->step, row->domain) == place_of(record->step, record->domain_index) &&
           kind_of(row->host, row->service, row->status) == kind_of_record(record);
}

/* The slot of a record's row, or the free slot for it. */
INLINE uint64_t *slot_of_row(const struct mt_rows *rows, const struct record *record) {
    for (uint64_t place = record->row;; place++) {
        uint64_t *slot = row_slot(rows, place);
        if (!*slot) return slot;
        if (may_be(*slot, record->row) && is_row_of(&rows->rows[row_in(*slot)], record))
            return slot;
    }
}

/* Add a row, for which there is room, without sums. */
INLINE void begin_row(struct mt_rows *rows, uint64_t *slot, const struct record *record) {
    *slot = slot_for(record->row, rows->count);
    rows->rows[rows->count++] = (struct mt_row){.step = record->step,
                                                .domain = record->domain_index,
                                                .host = (uint16_t)record->host_index,
                                                .service = record->service,
                                                .status = (uint8_t)record->status_index};
}

/* Add a record to its row; false if there is no room, or a sum would exceed int64. The grammar has
 * seen to it that bytes times attempts does not. */
INLINE bool add_record(struct mt_rows *rows, const struct record *record) {
    uint64_t *slot = slot_of_row(rows, record);
    int64_t attempts = record->attempts > 1 ? record->attempts : 1;
    int64_t bytes, transferred;
    if (UNLIKELY(!*slot)) {
        if (rows->count >= rows->room) return false;
        begin_row(rows, slot, record);
    }
    struct mt_row *row = &rows->rows[row_in(*slot)];
    if (__builtin_add_overflow(row->bytes, record->size, &bytes)) return false;
    if (__builtin_add_overflow(row->transferred, record->size * attempts, &transferred))
        return false;
    row->messages++;
    row->bytes = bytes;
    row->transferred = transferred;
    if (record->time < rows->earliest) rows->earliest = record->time;
    if (record->time > rows->latest) rows->latest = record->time;
    return true;
}

/* Fold the first `count` records of a window, and return how many there was room for. */
INLINE uint32_t fold_records(struct mt_rows *rows, struct mt_rejects *rejects, const uint8_t *chunk,
                             struct record *records, uint32_t count, struct step *step,
                             enum mt_stop *stop) {
    for (uint32_t k = 0; k < count; k++)
        if (LIKELY(!records[k].reason)) note_row(&records[k], rows, step);
    for (uint32_t k = 0; k < count; k++)
        if (LIKELY(!records[k].reason)) fetch_row(&records[k], rows);
    for (uint32_t k = 0; k < count; k++) {
        if (UNLIKELY(records[k].reason)) {
            if (!reject(rejects, chunk, &records[k])) return *stop = MT_FULL_REJECTS, k;
        } else if (!add_record(rows, &records[k])) {
            return *stop = MT_FULL_ROWS, k;
        }
    }
    return count;
}

#endif

/* The last pass over a window, unfolded: a row of the columns for each record. */
#ifndef MAILTALLY_COLUMNS_H
#define MAILTALLY_COLUMNS_H

#include "record.h"

/* Note a malformed line; false if there is no room. */
INLINE bool reject(struct mt_rejects *rejects, const uint8_t *chunk, const struct record *record) {
    if (rejects->count >= rejects->room) return false;
    uint64_t row = rejects->count++;
    rejects->start[row] = record->start - chunk;
    rejects->end[row] = record->end - chunk;
    rejects->reason[row] = record->reason;
    return true;
}

INLINE void write_addresses(struct mt_columns *columns, const uint8_t *chunk,
                            const struct record *record) {
    uint64_t row = columns->count;
    columns->outgoing[row] = record->outgoing;
    columns->sender[row] = (uint32_t)(record->sender - chunk);
    columns->separator[row] = (uint32_t)(record->separator - chunk);
    columns->recipient_end[row] = (uint32_t)(record->recipient_end - chunk);
}

INLINE void write_row(struct mt_columns *columns, const uint8_t *chunk,
                      const struct record *record) {
    uint64_t row = columns->count;
    columns->time[row] = record->time;
    columns->size[row] = record->size;
    columns->attempts[row] = record->attempts;
    columns->service[row] = record->service;
    columns->host[row] = (uint16_t)record->host_index;
    columns->status[row] = (uint8_t)record->status_index;
    columns->domain[row] = record->domain_index;
    if (columns->outgoing) write_addresses(columns, chunk, record);
    columns->count++;
}

/* Write the first `count` records of a window, and return how many there was room for. */
INLINE uint32_t write_columns(struct mt_columns *columns, struct mt_rejects *rejects,
                              const uint8_t *chunk, const struct record *records, uint32_t count,
                              enum mt_stop *stop) {
    for (uint32_t k = 0; k < count; k++) {
        const struct record *record = &records[k];
        if (UNLIKELY(record->reason)) {
            if (!reject(rejects, chunk, record)) return *stop = MT_FULL_REJECTS, k;
        } else {
            if (columns->count >= columns->room) return *stop = MT_FULL_ROWS, k;
            write_row(columns, chunk, record);
        }
    }
    return count;
}

#endif

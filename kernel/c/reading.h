/* The second pass over a window: one record for each whole line in it, malformed or not. */
#ifndef MAILTALLY_READING_H
#define MAILTALLY_READING_H

#include "usual.h"

/* What is wrong with a line as a whole, else what its grammar says. */
RARE void read_other_line(const struct marks *marks, uint32_t first, uint32_t last,
                          const uint8_t *chunk_end, struct record *record) {
    struct text line = {record->start, record->end};
    record->host_index = record->status_index = NOT_LOOKED_UP;
    if (length_of(line) > MT_MAX_LINE) record->reason = MT_TOO_LONG;
    else if (memchr(marks->kind + first, 0, last - first)) record->reason = MT_NUL;
    else record->reason = read_any_line(line, record, chunk_end);
}

/* The index of the first line feed from mark `first` on, or the number of marks. */
INLINE uint32_t line_feed(const struct marks *marks, uint32_t first) {
    const uint8_t *found = memchr(marks->kind + first, '\n', marks->count - first);
    return found ? (uint32_t)(found - marks->kind) : marks->count;
}

/* Skip NULs at the start of a line, and return the first mark behind them. */
RARE uint32_t skip_nuls(const uint8_t *window, const struct marks *marks, uint32_t mark,
                        const uint8_t **start) {
    while (mark < marks->count && window + marks->place[mark] == *start &&
           marks->kind[mark] == 0) {
        mark++;
        (*start)++;
    }
    return mark;
}

/* Read the whole lines of a window whose marks are noted, and return the number of records. The window
 * does not begin with a NUL. */
INLINE uint32_t read_window(const uint8_t *window, struct workspace *workspace,
                            const struct mt_names *domains, struct recent *recent,
                            const uint8_t *chunk_end) {
    const struct marks *marks = &workspace->marks;
    const uint8_t *start = window;
    uint32_t mark = 0, count = 0;
    while (count < MOST_RECORDS && mark < marks->count) {
        struct record *record = &workspace->records[count];
        const uint8_t *before_nuls = start;
        if (UNLIKELY(marks->kind[mark] == 0)) mark = skip_nuls(window, marks, mark, &start);
        record->nuls = (uint64_t)(start - before_nuls);
        record->start = start;
        record->reason = MT_GOOD;
        uint32_t taken = read_usual_line(window, marks, mark, start, recent, chunk_end, record);
        if (UNLIKELY(!taken)) {
            uint32_t last = line_feed(marks, mark);
            if (last == marks->count) break;
            taken = last - mark;
            record->end = window + marks->place[last];
            read_other_line(marks, mark, last, chunk_end, record);
        }
        if (LIKELY(!record->reason)) note_name(record, domains, chunk_end);
        start = record->end + 1;
        mark += taken + 1;
        count++;
    }
    return count;
}

#endif

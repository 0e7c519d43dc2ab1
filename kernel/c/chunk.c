/* A chunk of whole lines, window by window. Compiled once for each instruction set. */
#include "folding.h"
#include "reading.h"
#include "resolving.h"
#include "variants.h"

struct reader {
    const uint8_t *chunk;
    const uint8_t *end;
    struct mt_dictionaries *dictionaries;
    struct mt_rejects *rejects;
    struct workspace *workspace;
    struct recent recent;
};

/* Where records go: columns or rows, the other is null. */
struct target {
    struct mt_columns *columns;
    struct mt_rows *rows;
    struct step step;
};

INLINE const uint8_t *after_nuls(const uint8_t *start, const uint8_t *end) {
    while (start < end && *start == 0) start++;
    return start;
}

/* Read the lines of a window of at most `length` bytes, and return the number of records. */
static uint32_t read_lines(struct reader *reader, const uint8_t *start, size_t length) {
    struct marks *marks = &reader->workspace->marks;
    size_t left = (size_t)(reader->end - start);
    find_marks(marks, start, left < length ? left : length, reader->end);
    memset(marks->kind + marks->count, 'x', 2 * WORD); /* read as words with the last mark */
    return read_window(start, reader->workspace, &reader->dictionaries->domains, &reader->recent,
                       reader->end);
}

/* Read the lines at `start`, where there is one. A line that no window holds is too long. */
INLINE uint32_t read_next_lines(struct reader *reader, const uint8_t *start) {
    struct record *first = reader->workspace->records;
    const uint8_t *line = after_nuls(start, reader->end);
    uint32_t count = read_lines(reader, line, SMALL_WINDOW);
    if (UNLIKELY(!count)) count = read_lines(reader, line, LARGE_WINDOW);
    if (UNLIKELY(!count)) {
        first->start = line;
        first->end = memchr(line, '\n', (size_t)(reader->end - line));
        first->reason = MT_TOO_LONG;
        count = 1;
    }
    first->nuls = (uint64_t)(line - start);
    return count;
}

/* Resolve the names of the records, and return how many until something has to be settled. */
INLINE uint32_t resolve_lines(struct reader *reader, uint32_t count, enum mt_stop *stop) {
    for (uint32_t k = 0; k < count; k++) {
        struct record *record = &reader->workspace->records[k];
        if (UNLIKELY(record->reason)) continue;
        *stop = resolve_record(reader->dictionaries, &reader->recent, reader->end, record);
        if (UNLIKELY(*stop)) return k;
    }
    return count;
}

INLINE uint32_t take_lines(struct reader *reader, struct target *target, uint32_t count,
                           enum mt_stop *stop) {
    struct record *records = reader->workspace->records;
    return target->rows
               ? fold_records(target->rows, reader->rejects, reader->chunk, records, count,
                              &target->step, stop)
               : write_columns(target->columns, reader->rejects, reader->chunk, records, count,
                               stop);
}

/* Read all lines from where the progress is, or as many as there is room for. */
INLINE enum mt_stop read_chunk(struct reader *reader, struct target *target,
                               struct mt_progress *progress) {
    const uint8_t *start = reader->chunk + progress->read;
    enum mt_stop stop = MT_DONE;
    while (start < reader->end && !stop) {
        uint32_t count = read_next_lines(reader, start);
        count = resolve_lines(reader, count, &stop);
        enum mt_stop full = MT_DONE;
        count = take_lines(reader, target, count, &full);
        for (uint32_t k = 0; k < count; k++) progress->nuls += reader->workspace->records[k].nuls;
        if (count) start = reader->workspace->records[count - 1].end + 1;
        progress->lines += count;
        if (full) stop = full;
    }
    progress->read = (uint64_t)(start - reader->chunk);
    return stop;
}

enum mt_stop VARIANT(read_stats)(const uint8_t *start, const uint8_t *end,
                                 struct mt_dictionaries *dictionaries,
                                 struct mt_columns *columns, struct mt_rows *rows,
                                 struct mt_rejects *rejects, struct workspace *workspace,
                                 struct mt_progress *progress) {
    struct reader reader = {.chunk = start,
                            .end = end,
                            .dictionaries = dictionaries,
                            .rejects = rejects,
                            .workspace = workspace};
    struct target target = {.columns = columns, .rows = rows};
    if (rows) target.step = (struct step){.seconds = rows->step_seconds};
    return read_chunk(&reader, &target, progress);
}

/* The first pass over a window of lines: where each line feed, NUL, `|` and `@` is. */
#ifndef MAILTALLY_MARKS_H
#define MAILTALLY_MARKS_H

#include "bytes.h"
#include "kernel.h"

/* Bytes of a window. A small one stays in a core's first cache until all passes are done; a large
 * one holds the longest line with its line feed. */
#define SMALL_WINDOW 8192
#define LARGE_WINDOW (MT_MAX_LINE + BLOCK)

/* Marks of a block that are always written, whether or not there are that many: a mispredicted
 * branch costs more. */
#define AT_ONCE 8

struct marks {
    uint32_t place[LARGE_WINDOW + BLOCK]; /* offset from the window's start */
    uint8_t kind[LARGE_WINDOW + BLOCK];   /* the byte there */
    uint32_t count;
};

/* A bit for each mark in a block. */
INLINE uint64_t marks_of(const uint8_t *block) {
    lanes found[BLOCK / LANES];
    for (unsigned k = 0; k < BLOCK / LANES; k++) {
        lanes part;
        memcpy(&part, block + k * LANES, LANES);
        found[k] = (lanes)(part == '\n') | (lanes)(part == '|') | (lanes)(part == '@') |
                   (lanes)(part == 0);
    }
    return bits_of(found);
}

INLINE void note_marks(struct marks *marks, uint64_t bits, const uint8_t *start, uint32_t offset) {
    uint32_t *place = marks->place + marks->count;
    uint8_t *kind = marks->kind + marks->count;
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    for (uint32_t k = 0; k < AT_ONCE; k++) {
        /* Past the last mark the block's last byte is noted, and overwritten later. */
        place[k] = offset + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << (BLOCK - 1));
        kind[k] = start[place[k]];
        bits &= bits - 1;
    }
    for (uint32_t k = AT_ONCE; UNLIKELY(k < count); k++) {
        place[k] = offset + (uint32_t)__builtin_ctzll(bits);
        kind[k] = start[place[k]];
        bits &= bits - 1;
    }
    marks->count += count;
}

/* Note the marks of start[0 … length); only what is before `end` is read. */
INLINE void find_marks(struct marks *marks, const uint8_t *start, size_t length,
                       const uint8_t *end) {
    marks->count = 0;
    for (uint32_t offset = 0; offset < length; offset += BLOCK) {
        size_t left = (size_t)(end - start) - offset;
        if (UNLIKELY(left < BLOCK)) {
            uint8_t last[BLOCK];
            memset(last, 'x', sizeof last);
            memcpy(last, start + offset, left);
            uint64_t bits = marks_of(last);
            for (; bits; bits &= bits - 1) {
                uint32_t place = offset + (uint32_t)__builtin_ctzll(bits);
                marks->place[marks->count] = place;
                marks->kind[marks->count++] = start[place];
            }
            return;
        }
        note_marks(marks, marks_of(start + offset), start, offset);
    }
}

#endif

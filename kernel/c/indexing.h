/* A hash index of rows that lie in an array: a slot has the upper half of a digest and the row plus 1,
 * so that most others are told apart without a look at them. Zeros are free slots. */
#ifndef MAILTALLY_INDEXING_H
#define MAILTALLY_INDEXING_H

#include "bytes.h"

#define LOW_HALF UINT64_C(0xffffffff)

INLINE uint64_t slot_for(uint64_t digest, uint64_t row) { return (digest & ~LOW_HALF) | (row + 1); }

/* Whether a slot may be that of a digest. */
INLINE bool may_be(uint64_t slot, uint64_t digest) {
    return slot && (slot & ~LOW_HALF) == (digest & ~LOW_HALF);
}

INLINE uint64_t row_in(uint64_t slot) { return (slot & LOW_HALF) - 1; }

/* Whether an index of a power of two of slots has room for so many rows. */
INLINE bool is_index(uint64_t slot_count, uint64_t room, uint64_t count) {
    return slot_count && (slot_count & (slot_count - 1)) == 0 && room <= slot_count / 2 &&
           room < LOW_HALF && count <= room;
}

#endif

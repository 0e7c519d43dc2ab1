/* Sums by group, and by name: what statistics are added up with.
 *
 * A ranking is a hash table of names with their sums. It is more compact than a dictionary of
 * names.h, as there may be a million of them of each kind: a slot is the upper half of a name's
 * digest and its index, and all else lies in arrays. The digest has the same secret key.
 */
#include "indexing.h"
#include "names.h"

INLINE void add_to(int64_t *sum, int64_t amount) {
    if (UNLIKELY(__builtin_add_overflow(*sum, amount, sum))) *sum = INT64_MAX;
}

/* Add one row of amounts to a row of sums. */
INLINE void add_row(const struct mt_amounts *amounts, uint64_t row, int64_t *sums) {
    add_to(&sums[0], amounts->messages ? amounts->messages[row] : 1);
    add_to(&sums[1], amounts->bytes[row]);
    add_to(&sums[2], amounts->wasted[row]);
    add_to(&sums[3], amounts->again[row]);
}

int32_t mt_add_up(const uint32_t *group, const struct mt_amounts *amounts, int64_t *sums,
                  uint64_t groups) {
    for (uint64_t row = 0; row < amounts->count; row++) {
        if (UNLIKELY(group[row] >= groups)) return MT_REFUSED;
        add_row(amounts, row, sums + (size_t)group[row] * MT_FIGURES);
    }
    return MT_DONE;
}

/* The name of an index; an index beyond the last name gives the place of the next. */
INLINE struct text ranked_name(const struct mt_ranking *ranking, uint64_t index) {
    uint64_t start = index ? ranking->ends[index - 1] : 0;
    return (struct text){ranking->text + start, ranking->text + ranking->ends[index]};
}

INLINE uint64_t *slot_at(const struct mt_ranking *ranking, uint64_t place) {
    return &ranking->slots[place & (ranking->slot_count - 1)];
}

/* The slot that a name is in, or the free slot for it. */
INLINE uint64_t *ranked_slot(const struct mt_ranking *ranking, struct text name, uint64_t digest) {
    uint64_t place = digest;
    for (;;) {
        uint64_t *slot = slot_at(ranking, place++);
        if (!*slot) return slot;
        if (may_be(*slot, digest) && same_text(ranked_name(ranking, row_in(*slot)), name))
            return slot;
    }
}

INLINE bool has_room_for(const struct mt_ranking *ranking, struct text name) {
    uint64_t used = ranking->count ? ranking->ends[ranking->count - 1] : 0;
    return ranking->count < ranking->room && length_of(name) <= ranking->text_room - used;
}

/* Add a name, for which there is room, with sums of zero. */
RARE void add_ranked(struct mt_ranking *ranking, uint64_t *slot, struct text name,
                     uint64_t digest) {
    uint64_t index = ranking->count++;
    uint64_t start = index ? ranking->ends[index - 1] : 0;
    memcpy(ranking->text + start, name.start, length_of(name));
    memset(ranking->sums + index * MT_FIGURES, 0, MT_FIGURES * sizeof *ranking->sums);
    ranking->ends[index] = start + length_of(name);
    *slot = slot_for(digest, index);
}

static bool is_ranking(const struct mt_ranking *ranking) {
    return is_index(ranking->slot_count, ranking->room, ranking->count);
}

/* Names that are looked up together: the memory that they need is fetched for all of them at once,
 * as a table larger than the cache would have each of them wait. */
#define TOGETHER 64

/* Names of a text, which ends at `end`, and their digests. */
struct several {
    struct text names[TOGETHER];
    uint64_t digests[TOGETHER];
    uint32_t count;
};

/* Fetch the sums and the name that are probably meant, and where that begins. */
INLINE void fetch_ranked(const struct mt_ranking *ranking, const struct several *several) {
    uint64_t found[TOGETHER];
    for (uint32_t k = 0; k < several->count; k++) {
        uint64_t slot = *slot_at(ranking, several->digests[k]);
        found[k] = may_be(slot, several->digests[k]) ? row_in(slot) : 0;
        __builtin_prefetch(ranking->ends + found[k]);
        __builtin_prefetch(ranking->sums + found[k] * MT_FIGURES, 1);
    }
    for (uint32_t k = 0; k < several->count; k++)
        if (found[k]) __builtin_prefetch(ranking->text + ranking->ends[found[k] - 1]);
}

/* Add up the several names that begin at a row. Returns how many until there is no room. */
INLINE uint32_t rank_several(struct mt_ranking *ranking, const struct several *several,
                             const struct mt_amounts *amounts, uint64_t row) {
    for (uint32_t k = 0; k < several->count; k++) {
        struct text name = several->names[k];
        uint64_t *slot = ranked_slot(ranking, name, several->digests[k]);
        if (UNLIKELY(!*slot)) {
            if (!has_room_for(ranking, name)) return k;
            add_ranked(ranking, slot, name, several->digests[k]);
        }
        add_row(amounts, row + k, ranking->sums + row_in(*slot) * MT_FIGURES);
    }
    return several->count;
}

int32_t mt_rank(struct mt_ranking *ranking, const uint8_t *text, uint64_t length,
                const uint32_t *start, const uint32_t *end, const struct mt_amounts *amounts,
                uint64_t *done) {
    struct several several;
    if (!is_ranking(ranking)) return MT_REFUSED;
    while (*done < amounts->count) {
        uint64_t left = amounts->count - *done;
        several.count = left < TOGETHER ? (uint32_t)left : TOGETHER;
        for (uint32_t k = 0; k < several.count; k++) {
            uint32_t from = start[*done + k], to = end[*done + k];
            if (UNLIKELY(from > to || to > length)) return MT_REFUSED;
            several.names[k] = (struct text){text + from, text + to};
            several.digests[k] = digest_of(several.names[k], text + length, ranking->key);
            __builtin_prefetch(slot_at(ranking, several.digests[k]));
        }
        fetch_ranked(ranking, &several);
        uint32_t ranked = rank_several(ranking, &several, amounts, *done);
        *done += ranked;
        if (ranked < several.count) return MT_FULL_NAMES;
    }
    return MT_DONE;
}

int32_t mt_keep_ranked(const struct mt_ranking *from, const uint32_t *kept, uint64_t count,
                       struct mt_ranking *to) {
    if (!is_ranking(from) || !is_ranking(to)) return MT_REFUSED;
    for (uint64_t k = 0; k < count; k++) {
        if (kept[k] >= from->count) return MT_REFUSED;
        struct text name = ranked_name(from, kept[k]);
        uint64_t digest = digest_of(name, name.end, to->key);
        uint64_t *slot = ranked_slot(to, name, digest);
        if (*slot || !has_room_for(to, name)) return MT_REFUSED;
        add_ranked(to, slot, name, digest);
        memcpy(to->sums + (to->count - 1) * MT_FIGURES, from->sums + (size_t)kept[k] * MT_FIGURES,
               MT_FIGURES * sizeof *to->sums);
    }
    return MT_DONE;
}

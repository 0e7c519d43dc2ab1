/* Dictionaries of names: each name is kept once, in a hash table with open addressing.
 *
 * Names come from outside. The hash has a secret key, so that no sender can choose names that all
 * fall into one slot; and a name is found only if all its bytes are equal.
 */
#ifndef MAILTALLY_NAMES_H
#define MAILTALLY_NAMES_H

#include "bytes.h"
#include "kernel.h"

__extension__ typedef unsigned __int128 two_words;

/* The first 32 bytes of a name, padded with zeros. */
struct head {
    bytes16 low;
    bytes16 high;
};

/* A name ready to be looked up. */
struct key {
    struct head head;
    uint64_t digest;
    const uint8_t *start;
    size_t length;
};

/* The product of two words, both halves folded into one. */
INLINE uint64_t folded(uint64_t one, uint64_t other) {
    two_words product = (two_words)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 0xff in each of the first `length` bytes, 0 to 32. */
INLINE struct head mask_of(size_t length) {
    static const bytes16 places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t count = (uint8_t)length;
    return (struct head){(bytes16)(places < count), (bytes16)(places + 16 < count)};
}

/* The 32 bytes at a place, of which a mask is kept. */
INLINE struct head masked(const uint8_t *start, struct head mask) {
    bytes16 low, high;
    memcpy(&low, start, sizeof low);
    memcpy(&high, start + sizeof low, sizeof high);
    return (struct head){low & mask.low, high & mask.high};
}

/* The head of a name. `end` is the end of what may be read. */
INLINE struct head head_of(struct text name, const uint8_t *end) {
    uint8_t copy[NAME_HEAD];
    const uint8_t *start = name.start;
    size_t length = length_of(name) < NAME_HEAD ? length_of(name) : NAME_HEAD;
    if (UNLIKELY(end - start < NAME_HEAD)) start = memcpy(copy, start, length);
    return masked(start, mask_of(length));
}

INLINE bool same_head(struct head one, struct head other) {
    return all16((bytes16)(one.low == other.low) & (bytes16)(one.high == other.high));
}

/* The keyed hash of a name of at most 32 bytes. */
INLINE uint64_t digest_of_head(struct head head, size_t length, const uint64_t key[4]) {
    words2 low = (words2)head.low, high = (words2)head.high;
    uint64_t first = folded(low[0] ^ key[0], low[1] ^ key[1]);
    uint64_t second = folded(high[0] ^ key[2], high[1] ^ key[3]);
    return folded(first ^ length, second ^ key[1]);
}

/* The keyed hash of a longer name. */
RARE uint64_t digest_of_text(struct text name, const uint64_t key[4]) {
    uint64_t digest = 0;
    for (struct text part = name; part.start < name.end; part.start += NAME_HEAD) {
        size_t length = length_of(part);
        digest = folded(digest ^ key[3], digest_of_head(head_of(part, name.end), length, key));
    }
    return digest;
}

/* The same of any name. `end` is the end of what may be read. */
INLINE uint64_t digest_of(struct text name, const uint8_t *end, const uint64_t key[4]) {
    size_t length = length_of(name);
    return LIKELY(length <= NAME_HEAD) ? digest_of_head(head_of(name, end), length, key)
                                       : digest_of_text(name, key);
}

INLINE struct key key_of(struct text name, const uint8_t *end, const struct mt_names *names) {
    return (struct key){head_of(name, end), digest_of(name, end, names->key), name.start,
                        length_of(name)};
}

INLINE struct mt_slot *first_slot(const struct mt_names *names, uint64_t digest) {
    return &names->slots[digest & (names->slot_count - 1)];
}

INLINE bool is_in_slot(const struct key *key, const struct mt_slot *slot,
                       const struct mt_names *names) {
    struct head head;
    memcpy(&head, slot->head, sizeof head);
    if (slot->length != key->length || !same_head(head, key->head)) return false;
    return LIKELY(key->length <= NAME_HEAD) ||
           memcmp(names->text + slot->text, key->start, key->length) == 0;
}

/* The slot that a name is in, or the free slot for it. */
INLINE struct mt_slot *slot_of(const struct key *key, const struct mt_names *names) {
    uint64_t place = key->digest;
    for (;;) {
        struct mt_slot *slot = first_slot(names, place);
        if (slot->number == 0 || is_in_slot(key, slot, names)) return slot;
        place++;
    }
}

INLINE bool has_room(const struct mt_names *names, size_t length) {
    return names->count < names->slot_count / 2 && length < names->text_room &&
           names->text_used < names->text_room - length;
}

/* Fill the free slot of a new name, for which there is room; the text is appended. */
RARE uint32_t add_name(struct mt_names *names, struct mt_slot *slot, const struct key *key) {
    uint8_t *text = names->text + names->text_used;
    memcpy(slot->head, &key->head, sizeof slot->head);
    memcpy(text, key->start, key->length);
    text[key->length] = '\n';
    slot->digest = key->digest;
    slot->text = names->text_used;
    slot->length = (uint32_t)key->length;
    slot->number = (uint32_t)++names->count;
    names->text_used += key->length + 1;
    return slot->number - 1;
}

#define NO_ROOM UINT32_MAX

/* The index of a name, which is added if it is new, or NO_ROOM. */
INLINE uint32_t interned(struct mt_names *names, const struct key *key) {
    struct mt_slot *slot = slot_of(key, names);
    if (LIKELY(slot->number)) return slot->number - 1;
    return has_room(names, key->length) ? add_name(names, slot, key) : NO_ROOM;
}

#endif

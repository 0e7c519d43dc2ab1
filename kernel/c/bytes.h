/* Bytes, words and vectors: what the grammars are written in.
 *
 * Vectors are GNU vector types, which gcc and clang compile for any processor. A comparison of two
 * vectors gives 0xff in each lane where it holds, else 0.
 */
#ifndef MAILTALLY_BYTES_H
#define MAILTALLY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The kernel reads numbers and names as little-endian words."
#endif

#define INLINE static inline __attribute__((always_inline))
#define RARE static __attribute__((noinline, unused))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define WORD 8
#define NAME_HEAD 32
#define BLOCK 64

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

/* As many lanes as the instruction set has in one register; gcc takes wider vectors apart. */
#if defined(__AVX2__)
#define LANES 32
#define BITS_OF_LANES __builtin_ia32_pmovmskb256
#else
#define LANES 16
#define BITS_OF_LANES __builtin_ia32_pmovmskb128
#endif
typedef uint8_t lanes __attribute__((vector_size(LANES)));

/* A range of bytes; `end` is exclusive. */
struct text {
    const uint8_t *start;
    const uint8_t *end;
};

INLINE size_t length_of(struct text text) { return (size_t)(text.end - text.start); }

INLINE bool is_empty(struct text text) { return text.start == text.end; }

/* The eight bytes at a place as a word; the first is its lowest byte. */
INLINE uint64_t word_at(const uint8_t *place) {
    uint64_t word;
    memcpy(&word, place, sizeof word);
    return word;
}

/* Eight bytes as a word; a constant. */
#define WORD_OF(a, b, c, d, e, f, g, h)                                                  \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |   \
     (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)

/* The lowest `count` bytes of a word, 1 … 8. */
INLINE uint64_t first_bytes(uint64_t word, size_t count) {
    return word & (UINT64_MAX >> (8 * (WORD - count)));
}

INLINE uint64_t repeated(uint8_t byte) { return byte * 0x0101010101010101u; }

/* The index of the first byte of a word that has a bit set; there is one. */
INLINE uint32_t first_byte(uint64_t bits) { return (uint32_t)__builtin_ctzll(bits) / WORD; }

/* A word with the top bit set of each byte that is not an ASCII digit. */
INLINE uint64_t other_than_digits(uint64_t word) {
    const uint64_t low = repeated(0x7f);
    uint64_t digits = word ^ repeated('0');
    return (((digits & low) + repeated(0x76)) | digits) & ~low;
}

/* The number that eight digits are: joined to pairs, pairs to fours, and both fours. */
INLINE uint64_t number_of_digits(uint64_t digits) {
    digits = (digits * (1 + (10u << 8))) >> 8 & 0x00ff00ff00ff00ffu;
    digits = (digits * (1 + (100u << 16))) >> 16 & 0x0000ffff0000ffffu;
    return (digits * (1 + ((uint64_t)10000 << 32))) >> 32;
}

/* The number in the `count` digits before `end`, 1 … 8, or -1 if another byte is among them. Eight
 * bytes before `end` are read. */
INLINE int64_t short_number(const uint8_t *end, size_t count) {
    uint64_t digits = (word_at(end - WORD) ^ repeated('0')) & (UINT64_MAX << (8 * (WORD - count)));
    if (UNLIKELY(other_than_digits(digits ^ repeated('0')))) return -1;
    return (int64_t)number_of_digits(digits);
}

INLINE bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') <= 9; }

INLINE uint8_t lower(uint8_t byte) {
    return (uint8_t)(byte - 'A') <= 'Z' - 'A' ? (uint8_t)(byte | 0x20) : byte;
}

/* Whether a range is digits only, at least one. */
INLINE bool all_digits(struct text text) {
    for (const uint8_t *place = text.start; place < text.end; place++)
        if (!is_digit(*place)) return false;
    return !is_empty(text);
}

/* The decimal number in a range, or -1 if it is not one or exceeds `most`, which is below 2^59. */
INLINE int64_t number_of(struct text text, int64_t most) {
    int64_t value = 0;
    for (const uint8_t *place = text.start; place < text.end; place++) {
        if (!is_digit(*place)) return -1;
        value = value * 10 + (*place - '0');
        if (value > most) return -1;
    }
    return is_empty(text) ? -1 : value;
}

INLINE bool begins_with(struct text text, const char *word, size_t length) {
    return length_of(text) >= length && memcmp(text.start, word, length) == 0;
}
#define BEGINS_WITH(text, word) (begins_with((text), (word), sizeof(word) - 1))

/* Whether `length` bytes are equal. Names of neighbouring lines are mostly of equal length, so that
 * the branches are predicted. */
INLINE bool same_bytes(const uint8_t *one, const uint8_t *other, size_t length) {
    if (length < WORD) return memcmp(one, other, length) == 0;
    for (size_t k = 0; k + WORD <= length; k += WORD)
        if (word_at(one + k) != word_at(other + k)) return false;
    return word_at(one + length - WORD) == word_at(other + length - WORD);
}

INLINE bool same_text(struct text one, struct text other) {
    return length_of(one) == length_of(other) &&
           same_bytes(one.start, other.start, length_of(one));
}

/* Whether all lanes of a comparison hold. */
INLINE bool all16(bytes16 lanes) {
    words2 words = (words2)lanes;
    return (words[0] & words[1]) == UINT64_MAX;
}

/* One bit for each lane of the comparisons of a block, the first lane's lowest. No operation on vectors
 * gives it, so that x86's own is used here, and elsewhere a product that gathers the bits of a word. */
INLINE uint64_t bits_of(const lanes found[BLOCK / LANES]) {
    uint64_t bits = 0;
#if defined(__SSE2__)
    typedef char signed_lanes __attribute__((vector_size(LANES)));
    for (unsigned k = 0; k < BLOCK / LANES; k++)
        bits |= (uint64_t)(uint32_t)BITS_OF_LANES((signed_lanes)found[k]) << (k * LANES);
#else
    for (unsigned k = 0; k < BLOCK; k += WORD)
        bits |= ((word_at((const uint8_t *)found + k) & repeated(1)) * 0x0102040810204080u >> 56) << k;
#endif
    return bits;
}

#endif

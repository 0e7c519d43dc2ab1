/* The functions that are exported: arguments are checked here, and the instruction set is chosen. */
#include "indexing.h"
#include "record.h"
#include "variants.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* The bits of the register XCR0: whether the system keeps the wide registers of a thread. */
static uint32_t kept_registers(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_avx2(void) {
    const uint32_t needed = bit_OSXSAVE | bit_AVX;
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed) return false;
    if ((kept_registers() & 6) != 6) return false;
    const uint32_t needed_too = bit_AVX2 | bit_BMI | bit_BMI2;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed_too) == needed_too;
}
#else
static bool has_avx2(void) { return false; }
#define mt_read_stats_avx2 mt_read_stats_baseline
#endif

uint32_t mt_abi(void) { return MT_ABI; }

#define ALIGNMENT 16
_Static_assert(_Alignof(struct workspace) == ALIGNMENT, "as a vector's, in all variants");

uint64_t mt_workspace_size(void) { return sizeof(struct workspace) + ALIGNMENT; }

int32_t mt_best_level(void) { return has_avx2() ? MT_AVX2 : MT_BASELINE; }

/* A workspace may lie anywhere; its vectors may not. */
static struct workspace *aligned(void *workspace) {
    const uintptr_t most = ALIGNMENT - 1;
    return (struct workspace *)(((uintptr_t)workspace + most) & ~most);
}

static bool are_usable(const struct mt_rows *rows) {
    return is_index(rows->slot_count, rows->room, rows->count) &&
           rows->step_seconds >= MT_LEAST_STEP;
}

int32_t mt_read_stats(int32_t level, const uint8_t *start, uint64_t length,
                      struct mt_dictionaries *dictionaries, struct mt_columns *columns,
                      struct mt_rows *rows, struct mt_rejects *rejects, void *workspace,
                      uint64_t workspace_size, struct mt_progress *progress) {
    if (progress->read >= length) return MT_DONE;
    const uint8_t *end = start + length;
    if (end[-1] != '\n') return MT_UNFINISHED;
    if (workspace_size < mt_workspace_size() || (rows && !are_usable(rows))) return MT_REFUSED;
    return (int32_t)(level == MT_AVX2 ? mt_read_stats_avx2 : mt_read_stats_baseline)(
        start, end, dictionaries, columns, rows, rejects, aligned(workspace), progress);
}

int64_t mt_intern(struct mt_names *names, const uint8_t *start, uint64_t length) {
    struct text name = {start, start + length};
    struct key key = key_of(name, name.end, names);
    uint32_t index = interned(names, &key);
    return index == NO_ROOM ? -1 : (int64_t)index;
}

/* The name in a slot, ready to be looked up elsewhere. */
static struct key key_in(const struct mt_names *names, const struct mt_slot *slot) {
    struct key key = {.digest = slot->digest,
                      .start = names->text + slot->text,
                      .length = slot->length};
    memcpy(&key.head, slot->head, sizeof key.head);
    return key;
}

int32_t mt_move_names(const struct mt_names *from, struct mt_names *to) {
    if (to->slot_count < 2 * from->count || to->text_room < from->text_used) return -1;
    memcpy(to->text, from->text, from->text_used);
    for (uint64_t k = 0; k < from->slot_count; k++) {
        if (!from->slots[k].number) continue;
        struct key key = key_in(from, &from->slots[k]);
        *slot_of(&key, to) = from->slots[k];
    }
    to->text_used = from->text_used;
    to->count = from->count;
    return 0;
}

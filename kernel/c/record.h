/* What is known of a line between the passes: where it lies, what it says, what is wrong with it. */
#ifndef MAILTALLY_RECORD_H
#define MAILTALLY_RECORD_H

#include "marks.h"
#include "names.h"

/* What a host and a status may be, in any log. */
#define MAX_HOST 255
#define MAX_STATUS 32

/* Whether a byte may be in a host: letters, digits and `-_.:`. */
INLINE bool is_host_byte(uint8_t byte) {
    return is_digit(byte) || (uint8_t)((byte | 0x20) - 'a') <= 25 || byte == '-' || byte == '_' ||
           byte == '.' || byte == ':';
}

INLINE bool all_printable(bytes16 bytes) {
    return all16((bytes16)((bytes - '!') <= (uint8_t)('~' - '!')) | (bytes16)(bytes == 0));
}

/* Whether a status is 1 … 32 printable bytes. `end` is the end of what may be read. */
INLINE bool is_status(struct text status, const uint8_t *end) {
    struct head head = head_of(status, end);
    return length_of(status) - 1 < MAX_STATUS && all_printable(head.low) &&
           all_printable(head.high);
}

/* Index of a host or status that no line shortly before had. */
#define NOT_LOOKED_UP UINT32_MAX

struct record {
    struct key name; /* charged, as in the log; it is the domain's if that has no capitals */
    struct text host;
    struct text status;
    const uint8_t *start; /* of the line */
    const uint8_t *end;   /* its line feed */
    const uint8_t *sender;
    const uint8_t *separator;
    const uint8_t *recipient_end;
    uint64_t nuls; /* skipped before the line */
    int64_t time;
    int64_t size;
    int64_t attempts;
    uint64_t row; /* digest of the row's key */
    uint32_t host_index;
    uint32_t status_index;
    uint32_t domain_index;
    uint32_t step;
    uint8_t service;
    bool outgoing;
    uint8_t reason; /* an mt_reason */
};

/* Records of a window. Lines beyond it are left for the next window. */
#define MOST_RECORDS 512

/* A status of at most eight bytes and its index; no bytes, no status. */
struct short_status {
    uint64_t bytes;
    uint32_t index;
};
#define SHORT_STATUSES 16

/* What a line has in common with lines before it, mostly. */
struct recent {
    struct head host; /* padded with zeros */
    struct head host_mask;
    size_t host_length; /* 0 at first, and where the host is longer than a head */
    uint32_t host_index;
    uint64_t eight_digits; /* of the timestamp, and the number that they are, times 100 */
    int64_t hundreds;
    struct short_status statuses[SHORT_STATUSES]; /* each at a place that its bytes give */
};

/* Where a short status is kept. Others may take its place; that costs time only. */
INLINE struct short_status *status_place(struct recent *recent, uint64_t bytes) {
    return &recent->statuses[(bytes * 0x9e3779b97f4a7c15u) >> 60];
}

struct workspace {
    struct record records[MOST_RECORDS];
    struct marks marks;
};

/* Note where the charged name is looked for, and fetch that into the cache meanwhile. */
INLINE void note_name(struct record *record, const struct mt_names *domains,
                      const uint8_t *chunk_end) {
    struct key *key = &record->name;
    struct text name = {key->start, key->start + key->length};
    struct head head = head_of(name, chunk_end);
    key->head = head;
    key->digest = digest_of_head(head, key->length, domains->key);
    __builtin_prefetch(first_slot(domains, key->digest));
}

#endif

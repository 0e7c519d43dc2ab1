/* Usual lines, eight or more bytes at a time, with the same result as the grammar's.
 *
 * A usual line has a timestamp of ten digits, one `|` between the addresses, and short numbers. Every other line is left to grammar.h: what is unsure here is not
 * usual.
 */
#ifndef MAILTALLY_USUAL_H
#define MAILTALLY_USUAL_H

#include "grammar.h"

#define TIMESTAMP 10
/* After the host: ` in[`, a digit, `]: `, a timestamp. */
#define LEAST_TAIL (4 + 1 + 3 + TIMESTAMP)

#define INCOMING WORD_OF(' ', 'i', 'n', '[', 0, 0, 0, 0)
#define OUTGOING WORD_OF(' ', 'o', 'u', 't', '[', 0, 0, 0)
#define AFTER_PROCESS WORD_OF(']', ':', ' ', 0, 0, 0, 0, 0)
#define IMAP WORD_OF('i', 'm', 'a', 'p', 0, 0, 0, 0)
#define POP3 WORD_OF('p', 'o', 'p', '3', 0, 0, 0, 0)
#define MAILLIST WORD_OF('m', 'a', 'i', 'l', 'l', 'i', 's', 't')

/* Where the parts of a usual line end: indices into its marks after the first, which ends the head. */
struct parts {
    uint32_t sender;
    uint32_t recipient;
    uint32_t size;
    uint32_t status;
    uint32_t line;
};

/* Find the parts in the kinds of the first eight of these marks. `|` and `@` have the bit 0x40, which line feed
 * and NUL have not; of the two only `|` has the bit 0x20. */
INLINE bool find_parts(uint64_t kinds, struct parts *parts) {
    uint64_t ends = ~kinds & repeated(0x40);
    uint64_t pipes = kinds & repeated(0x20) & (ends - 1) & ~ends;
    uint32_t count = (uint32_t)__builtin_popcountll(pipes);
    if (!ends || count - 3 > 1) return false;
    parts->line = first_byte(ends);
    parts->sender = first_byte(pipes);
    pipes &= pipes - 1;
    parts->recipient = first_byte(pipes);
    pipes &= pipes - 1;
    parts->size = first_byte(pipes);
    pipes &= pipes - 1;
    parts->status = pipes ? first_byte(pipes) : parts->line;
    return (uint8_t)(kinds >> (8 * parts->line)) == '\n';
}

/* The time in the ten digits before `end`, or -1. Neighbouring lines agree in the first eight. */
INLINE int64_t usual_time(const uint8_t *end, struct recent *recent) {
    uint64_t eight = word_at(end - TIMESTAMP);
    if (UNLIKELY(eight != recent->eight_digits)) {
        if (other_than_digits(eight)) return -1;
        recent->eight_digits = eight;
        recent->hundreds = (int64_t)number_of_digits(eight ^ repeated('0')) * 100;
    }
    uint8_t tens = (uint8_t)(end[-2] - '0'), ones = (uint8_t)(end[-1] - '0');
    return tens <= 9 && ones <= 9 ? recent->hundreds + tens * 10 + ones : -1;
}

/* Whether a host is that of the line before. */
INLINE bool is_recent_host(const uint8_t *host, const struct recent *recent) {
    return recent->host_length && same_head(masked(host, recent->host_mask), recent->host);
}

/* The end of a host, or NULL. */
INLINE const uint8_t *usual_host(const uint8_t *host, const uint8_t *end,
                                 const struct recent *recent, struct record *record) {
    if (LIKELY(is_recent_host(host, recent))) {
        record->host_index = recent->host_index;
        record->host.end = host + recent->host_length;
        return record->host.end;
    }
    struct text rest = {host, end};
    record->host_index = NOT_LOOKED_UP;
    return read_host(&rest, record) ? NULL : rest.start;
}

/* Read `date host msg_type[pid]: timestamp` of the bytes before `end`, the first mark. */
INLINE bool usual_head(const uint8_t *start, const uint8_t *end, const uint8_t *chunk_end,
                       struct recent *recent, struct record *record) {
    if (chunk_end - start < DATE_LENGTH + NAME_HEAD || !is_date(start)) return false;
    record->host.start = start + DATE_LENGTH;
    const uint8_t *host_end = usual_host(record->host.start, end, recent, record);
    if (host_end == NULL || end - host_end < LEAST_TAIL) return false;
    uint64_t type = word_at(host_end);
    bool incoming = first_bytes(type, 4) == INCOMING;
    bool outgoing = first_bytes(type, 5) == OUTGOING;
    const uint8_t *process_end = end - TIMESTAMP - 3;
    size_t digits = (size_t)(process_end - host_end) - 4 - outgoing;
    if (!(incoming | outgoing) || digits - 1 >= WORD) return false;
    if (first_bytes(word_at(process_end), 3) != AFTER_PROCESS) return false;
    if (other_than_digits(word_at(process_end - WORD)) >> (8 * (WORD - digits))) return false;
    record->time = usual_time(end, recent);
    record->outgoing = outgoing;
    return record->time >= 0;
}

/* Read a status; its index is known if it is short and was in a line before. */
INLINE bool usual_status(struct text status, struct recent *recent, const uint8_t *chunk_end,
                         struct record *record) {
    size_t length = length_of(status);
    record->status = status;
    if (LIKELY(length - 1 < WORD)) {
        uint64_t bytes = word_at(status.end - WORD) >> (8 * (WORD - length));
        const struct short_status *known = status_place(recent, bytes);
        record->status_index = known->index;
        if (LIKELY(known->bytes == bytes)) return true;
    }
    record->status_index = NOT_LOOKED_UP;
    return is_status(status, chunk_end);
}

/* Read `bytes|status|attempts`. Whether the last is attempts is unsure where it is not a number, or
 * where the status may be one. */
INLINE bool usual_measures(const uint8_t *window, const uint32_t *place, struct parts parts,
                           struct recent *recent, const uint8_t *chunk_end,
                           struct record *record) {
    uint32_t size_length = place[parts.size] - place[parts.recipient] - 1;
    if (size_length - 1 >= WORD) return false;
    record->size = short_number(window + place[parts.size], size_length);
    record->attempts = 1;
    if (parts.status != parts.line) {
        uint32_t length = place[parts.line] - place[parts.status] - 1;
        if (length - 1 >= WORD) return false;
        record->attempts = short_number(window + place[parts.line], length);
    }
    struct text status = {window + place[parts.size] + 1, window + place[parts.status]};
    return (record->size | record->attempts) >= 0 && !is_digit(*status.start) &&
           usual_status(status, recent, chunk_end, record);
}

/* Whether an address begins with `imap@` or `pop3@`; `at` is its first `@`. */
INLINE bool begins_as_mailbox(const uint8_t *address, const uint8_t *at) {
    uint64_t before = word_at(at - WORD) >> 32;
    return at - address == 4 && (before == IMAP || before == POP3);
}

/* Whether `maillist` may follow a `@`. */
INLINE bool may_be_list(const uint8_t *at, const uint8_t *chunk_end) {
    return chunk_end - at <= WORD || word_at(at + 1) == MAILLIST;
}

/* Choose the service of usual addresses, and the mark of the `@` that the charged name follows; or
 * return NULL. All marks between the separators are `@`. */
INLINE const uint32_t *usual_charged(const uint8_t *window, const uint32_t *place,
                                     struct parts parts, const uint8_t *chunk_end,
                                     struct record *record) {
    const uint8_t *recipient = record->separator + 1;
    const uint32_t *recipient_at = place + parts.sender + 1;
    bool has_recipient_at = parts.recipient > parts.sender + 1;
    if (parts.sender == 0) return NULL;
    if (begins_as_mailbox(record->sender, window + place[0])) {
        record->service = *record->sender == 'i' ? MT_IMAP : MT_POP3;
        return parts.sender > 1 ? place + parts.sender - 1 : NULL;
    }
    if (has_recipient_at && begins_as_mailbox(recipient, window + *recipient_at)) return NULL;
    if (parts.sender > 1 || may_be_list(window + place[0], chunk_end)) return NULL;
    record->service = record->outgoing ? MT_SMTP_OUT : MT_SMTP_IN;
    return record->outgoing ? place : has_recipient_at ? place + parts.recipient - 1 : NULL;
}

INLINE void read_parted_addresses(const uint8_t *window, const uint32_t *place,
                                  struct parts parts, const uint8_t *chunk_end,
                                  struct record *record) {
    record->sender = window + place[-1] + 1;
    record->separator = window + place[parts.sender];
    record->recipient_end = window + place[parts.recipient];
    const uint32_t *at = usual_charged(window, place, parts, chunk_end, record);
    if (LIKELY(at != NULL)) {
        record->name.start = window + at[0] + 1;
        record->name.length = at[1] - at[0] - 1;
    }
    if (UNLIKELY(at == NULL || record->name.length == 0 || *record->name.start == '['))
        record->reason = read_charged(record);
}

/* Read a usual line at `start`, whose first mark is mark `first`, and return the number of marks up to
 * its line feed; or return 0. */
INLINE uint32_t read_usual_line(const uint8_t *window, const struct marks *marks, uint32_t first,
                                const uint8_t *start, struct recent *recent,
                                const uint8_t *chunk_end, struct record *record) {
    struct parts parts;
    const uint32_t *place = marks->place + first + 1;
    if (marks->kind[first] != '|' || !find_parts(word_at(marks->kind + first + 1), &parts))
        return 0;
    record->end = window + place[parts.line];
    if (record->end[-1] == '\r' || record->end - start > MT_MAX_LINE) return 0;
    if (!usual_head(start, window + place[-1], chunk_end, recent, record) ||
        !usual_measures(window, place, parts, recent, chunk_end, record))
        return 0;
    read_parted_addresses(window, place, parts, chunk_end, record);
    return parts.line + 1;
}

#endif

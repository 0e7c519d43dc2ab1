/* The grammar of a `stats` line, part by part, for any line whatsoever.
 *
 *     date host msg_type[pid]: timestamp|sender|recipient|bytes|status[|attempts]
 *
 * The left end is read from the left, the right end from the right, and what is left between them are
 * the addresses. usual.h reads most lines faster, with the same result.
 */
#ifndef MAILTALLY_GRAMMAR_H
#define MAILTALLY_GRAMMAR_H

#include "record.h"

#define END_OF_TIME MT_END_OF_TIME
#define MAX_SIZE MT_MAX_SIZE
#define MAX_ATTEMPTS INT32_MAX
#define DATE_LENGTH 16 /* with the space after it */

/* The lowest byte allowed at each place of `Feb 16 14:03:21 `, how many more follow it, and the bits
 * that are set before: they make capitals small. The day may begin with a space. */
static const bytes16 date_lowest = {'a', 'a', 'a', ' ', '0', '0', ' ', '0',
                                    '0', ':', '0', '0', ':', '0', '0', ' '};
static const bytes16 date_more = {25, 25, 25, 0, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9, 0};
static const bytes16 date_set = {0x20, 0x20, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const bytes16 date_other = {'a', 'a', 'a', ' ', ' ', '0', ' ', '0',
                                   '0', ':', '0', '0', ':', '0', '0', ' '};

/* Whether 16 bytes have the shape of a date; more is not checked. */
INLINE bool is_date(const uint8_t *start) {
    bytes16 date;
    memcpy(&date, start, sizeof date);
    date |= date_set;
    return all16((bytes16)((date - date_lowest) <= date_more) | (bytes16)(date == date_other));
}

/* Each of these takes what is left of the line, and returns a reason. */

INLINE uint8_t read_date(struct text *rest) {
    if (length_of(*rest) < DATE_LENGTH || !is_date(rest->start)) return MT_BAD_DATE;
    rest->start += DATE_LENGTH;
    return MT_GOOD;
}

INLINE uint8_t read_host(struct text *rest, struct record *record) {
    const uint8_t *end = rest->start;
    while (end < rest->end && is_host_byte(*end)) end++;
    record->host = (struct text){rest->start, end};
    if (is_empty(record->host) || length_of(record->host) > MAX_HOST) return MT_BAD_HOST;
    if (end < rest->end && *end != ' ') return MT_BAD_HOST;
    rest->start = end;
    return MT_GOOD;
}

INLINE uint8_t read_type(struct text *rest, struct record *record) {
    bool incoming = BEGINS_WITH(*rest, " in[");
    if (!incoming && !BEGINS_WITH(*rest, " out[")) return MT_BAD_TYPE;
    record->outgoing = !incoming;
    struct text after = {rest->start + (incoming ? 4 : 5), rest->end};
    const uint8_t *process = after.start;
    while (after.start < after.end && is_digit(*after.start)) after.start++;
    if (after.start == process || !BEGINS_WITH(after, "]: ")) return MT_BAD_TYPE;
    rest->start = after.start + 3;
    return MT_GOOD;
}

INLINE uint8_t read_timestamp(struct text *rest, struct record *record) {
    struct text digits = {rest->start, rest->start};
    while (digits.end < rest->end && *digits.end != '|') digits.end++;
    record->time = number_of(digits, END_OF_TIME - 1);
    if (record->time < 0 || digits.end == rest->end) return MT_BAD_TIMESTAMP;
    rest->start = digits.end + 1;
    return MT_GOOD;
}

INLINE uint8_t read_head(struct text *rest, struct record *record) {
    uint8_t reason = read_date(rest);
    if (!reason) reason = read_host(rest, record);
    if (!reason) reason = read_type(rest, record);
    if (!reason) reason = read_timestamp(rest, record);
    return reason;
}

/* Take the field after the last `|` off the right end. Returns whether there is a `|`. */
INLINE bool take_last_field(struct text *rest, struct text *field) {
    const uint8_t *place = rest->end;
    while (place > rest->start && place[-1] != '|') place--;
    if (place == rest->start) return false;
    *field = (struct text){place, rest->end};
    rest->end = place - 1;
    return true;
}

/* Take bytes, status and attempts off the right end: with attempts if the last field and the third
 * last are digits, which leaves the last `|` of a line with two fields to the addresses. */
INLINE uint8_t read_measures(struct text *rest, struct record *record, const uint8_t *chunk_end) {
    struct text last, second, third;
    if (!take_last_field(rest, &last) || !take_last_field(rest, &second)) return MT_BAD_FIELDS;
    struct text before = *rest;
    bool has_attempts =
        take_last_field(&before, &third) && all_digits(last) && all_digits(third);
    struct text size = second, status = last;
    if (has_attempts) {
        *rest = before;
        size = third;
        status = second;
    }
    if (memchr(rest->start, '|', length_of(*rest)) == NULL) return MT_BAD_FIELDS;
    record->size = number_of(size, MAX_SIZE);
    if (record->size < 0) return MT_BAD_BYTES;
    record->status = status;
    if (!is_status(status, chunk_end)) return MT_BAD_STATUS;
    record->attempts = has_attempts ? number_of(last, MAX_ATTEMPTS) : 1;
    if (record->attempts < 0) return MT_BAD_ATTEMPTS;
    if (record->attempts > 1 && record->size > INT64_MAX / record->attempts) return MT_BAD_ATTEMPTS;
    return MT_GOOD;
}

/* The only `|` outside double quotes, or NULL if there is not one or a quote is open. */
INLINE const uint8_t *unquoted_separator(struct text text) {
    const uint8_t *separator = NULL;
    bool quoted = false;
    for (const uint8_t *place = text.start; place < text.end; place++) {
        if (*place == '"') quoted = !quoted;
        else if (quoted) place += *place == '\\'; /* it escapes the next byte */
        else if (*place == '|') {
            if (separator) return NULL;
            separator = place;
        }
    }
    return quoted ? NULL : separator;
}

INLINE const uint8_t *separator_of(struct text addresses) {
    const uint8_t *first = memchr(addresses.start, '|', length_of(addresses));
    if (memchr(first + 1, '|', (size_t)(addresses.end - first - 1)) == NULL) return first;
    return unquoted_separator(addresses);
}

/* The range after the last `@`, or an empty one at the end without. */
INLINE struct text domain_of(struct text address) {
    const uint8_t *place = address.end;
    while (place > address.start && place[-1] != '@') place--;
    return (struct text){place > address.start ? place : address.end, address.end};
}

/* Whether an address is `imap@ACCOUNT` or `pop3@ACCOUNT` for certain. A person's address may look the
 * same (imap@example.com): the account has to have a domain of its own, or the other address must
 * add nothing. */
INLINE bool is_mailbox(struct text address, struct text other) {
    if (!BEGINS_WITH(address, "imap@") && !BEGINS_WITH(address, "pop3@")) return false;
    struct text account = {address.start + 5, address.end};
    return memchr(account.start, '@', length_of(account)) != NULL || is_empty(other) ||
           same_text(account, other) || same_text(address, other);
}

/* The charged name of a mailbox: what follows the account's last `@`, or all of it. */
INLINE struct text read_mailbox(struct text address, struct record *record) {
    record->service = *address.start == 'i' ? MT_IMAP : MT_POP3;
    struct text account = {address.start + 5, address.end};
    bool has_domain = memchr(account.start, '@', length_of(account)) != NULL;
    return has_domain ? domain_of(account) : account;
}

/* The end of the first `web@maillist`, or NULL. */
INLINE const uint8_t *after_web_maillist(struct text sender) {
    struct text rest = sender;
    const uint8_t *at;
    while ((at = memchr(rest.start, '@', length_of(rest))) != NULL) {
        struct text name = {at + 1, sender.end};
        bool web = at - sender.start >= 3 && memcmp(at - 3, "web", 3) == 0;
        if (web && BEGINS_WITH(name, "maillist")) return name.start + 8;
        rest.start = at + 1;
    }
    return NULL;
}

/* The domain that follows `web@maillist`: after its last `@`; without one, everything past leading
 * dots and dashes, if that holds a dot. */
INLINE struct text list_domain(struct text tail) {
    if (memchr(tail.start, '@', length_of(tail)) != NULL) return domain_of(tail);
    while (!is_empty(tail) && (*tail.start == '.' || *tail.start == '-')) tail.start++;
    if (memchr(tail.start, '.', length_of(tail)) == NULL) tail.start = tail.end;
    return tail;
}

/* The null sender; its form `#@[]` is charged to the host as every address literal is. */
INLINE bool is_null_sender(struct text sender) {
    return is_empty(sender) || (length_of(sender) == 2 && BEGINS_WITH(sender, "<>"));
}

/* The charged name, empty if there is none; and the service. */
INLINE struct text charged(struct text sender, struct text recipient, struct record *record) {
    if (is_mailbox(sender, recipient)) return read_mailbox(sender, record);
    if (is_mailbox(recipient, sender)) return read_mailbox(recipient, record);
    const uint8_t *list = after_web_maillist(sender);
    if (list) {
        record->service = MT_MAILLIST;
        struct text domain = list_domain((struct text){list, sender.end});
        return is_empty(domain) ? domain_of(recipient) : domain;
    }
    record->service = record->outgoing ? MT_SMTP_OUT : MT_SMTP_IN;
    if (!record->outgoing) return domain_of(recipient);
    return is_null_sender(sender) ? record->host : domain_of(sender);
}

/* Find the charged name between known separators. */
RARE uint8_t read_charged(struct record *record) {
    struct text sender = {record->sender, record->separator};
    struct text recipient = {record->separator + 1, record->recipient_end};
    struct text name = charged(sender, recipient, record);
    if (is_empty(name)) return MT_BAD_DOMAIN;
    if (*name.start == '[') name = record->host; /* an address literal */
    record->name.start = name.start;
    record->name.length = length_of(name);
    return MT_GOOD;
}

INLINE uint8_t read_addresses(struct text addresses, struct record *record) {
    record->sender = addresses.start;
    record->separator = separator_of(addresses);
    record->recipient_end = addresses.end;
    return record->separator ? read_charged(record) : MT_BAD_ADDRESSES;
}

/* Read a line that has no NUL and is not too long. */
RARE uint8_t read_any_line(struct text line, struct record *record, const uint8_t *chunk_end) {
    if (!is_empty(line) && line.end[-1] == '\r') line.end--;
    if (is_empty(line)) return MT_EMPTY;
    uint8_t reason = read_head(&line, record);
    if (!reason) reason = read_measures(&line, record, chunk_end);
    if (!reason) reason = read_addresses(line, record);
    return reason;
}

#endif

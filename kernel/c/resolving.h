/* The third pass over a window: names become indices into the dictionaries, in the order of the lines.
 *
 * Only here names are added, and only those of lines with nothing wrong, so that limits on the number
 * of hosts and statuses concern the same names however a log is cut.
 */
#ifndef MAILTALLY_RESOLVING_H
#define MAILTALLY_RESOLVING_H

#include "record.h"

/* Whether a canonical name may hold a byte. */
INLINE bool is_domain_byte(uint8_t byte) {
    return is_digit(byte) || (uint8_t)(byte - 'a') <= 25 || byte == '-' || byte == '_' ||
           byte == '.';
}

/* Write a name in small letters, and return whether it is a domain. `lowered` has room for it. */
INLINE bool lower_domain(struct text name, uint8_t *lowered) {
    bool is_domain = true;
    size_t length = length_of(name);
    for (size_t k = 0; k < length; k++) {
        lowered[k] = lower(name.start[k]);
        is_domain &= is_domain_byte(lowered[k]);
    }
    return is_domain;
}

/* Add a domain whose bytes are as in the log; its canonical form is a name of ASCII. */
RARE enum mt_stop add_domain(struct mt_names *domains, struct text name, struct record *record) {
    uint8_t lowered[MT_MAX_DOMAIN + 1] = {0};
    if (!is_empty(name) && name.end[-1] == '.') name.end--;
    size_t length = length_of(name);
    if (length - 1 >= MT_MAX_DOMAIN || !lower_domain(name, lowered)) {
        record->reason = MT_BAD_DOMAIN;
        return MT_DONE;
    }
    struct text canonical = {lowered, lowered + length};
    struct key key = key_of(canonical, lowered + sizeof lowered, domains);
    record->domain_index = interned(domains, &key);
    return record->domain_index == NO_ROOM ? MT_FULL_NAMES : MT_DONE;
}

/* Look a name with other than ASCII bytes up among the spellings that the caller has settled. */
RARE enum mt_stop look_up_spelling(struct mt_dictionaries *dictionaries, const uint8_t *chunk_end,
                                   struct record *record) {
    if (record->name.length > MT_MAX_SPELLING) {
        record->reason = MT_BAD_DOMAIN;
        return MT_DONE;
    }
    struct text name = {record->name.start, record->name.start + record->name.length};
    struct key key = key_of(name, chunk_end, &dictionaries->spellings);
    uint32_t spelling = interned(&dictionaries->spellings, &key);
    if (spelling == NO_ROOM) return MT_FULL_NAMES;
    if (spelling >= dictionaries->settled) return MT_NEW_SPELLING;
    int64_t domain = dictionaries->canonical[spelling];
    if (domain < 0) record->reason = MT_BAD_DOMAIN;
    else record->domain_index = (uint32_t)domain;
    return MT_DONE;
}

RARE enum mt_stop resolve_other_domain(struct mt_dictionaries *dictionaries,
                                       const uint8_t *chunk_end, struct record *record) {
    struct text name = {record->name.start, record->name.start + record->name.length};
    bool is_ascii = true;
    for (const uint8_t *place = name.start; place < name.end; place++) is_ascii &= *place < 0x80;
    return is_ascii ? add_domain(&dictionaries->domains, name, record)
                    : look_up_spelling(dictionaries, chunk_end, record);
}

/* Look a charged name up. One that is found as it is in the log is canonical, unless it ends with a
 * dot: `a..` is charged to `a.`, but `a.` to `a`. */
INLINE enum mt_stop resolve_domain(struct mt_dictionaries *dictionaries, const uint8_t *chunk_end,
                                   struct record *record) {
    const struct key *name = &record->name;
    if (LIKELY(name->length <= NAME_HEAD && name->start[name->length - 1] != '.')) {
        const struct mt_slot *slot = slot_of(name, &dictionaries->domains);
        record->domain_index = slot->number - 1;
        if (LIKELY(slot->number)) return MT_DONE;
    }
    return resolve_other_domain(dictionaries, chunk_end, record);
}

/* Note the host of a line, with which the next ones are compared. */
INLINE void note_host(struct recent *recent, struct text host, struct head head, uint32_t index) {
    size_t length = length_of(host);
    recent->host_length = length <= NAME_HEAD ? length : 0;
    recent->host_mask = mask_of(recent->host_length);
    recent->host = head;
    recent->host_index = index;
}

/* Look a host up, and add it if it is new and there are not too many. */
RARE enum mt_stop resolve_host(struct mt_dictionaries *dictionaries, struct recent *recent,
                               struct record *record) {
    uint8_t lowered[UINT8_MAX + 1] = {0};
    size_t length = length_of(record->host);
    for (size_t k = 0; k < length; k++) lowered[k] = lower(record->host.start[k]);
    struct text host = {lowered, lowered + length};
    struct mt_names *hosts = &dictionaries->hosts;
    struct key key = key_of(host, lowered + sizeof lowered, hosts);
    struct mt_slot *slot = slot_of(&key, hosts);
    if (!slot->number && hosts->count >= MT_MAX_HOSTS) {
        record->reason = MT_TOO_MANY_HOSTS;
        return MT_DONE;
    }
    if (!slot->number && !has_room(hosts, length)) return MT_FULL_NAMES;
    if (!slot->number) add_name(hosts, slot, &key);
    record->host_index = slot->number - 1;
    note_host(recent, host, key.head, record->host_index);
    return MT_DONE;
}

/* Whether a status is one that the original system writes. */
RARE bool is_known_status(struct text status) {
    static const char *const known[] = {"success",       "timeout", "rejclam",
                                        "rejspam",       "manyhops", "mboxoverquota",
                                        "badmime",       "bytestooverflow", "partial",
                                        "readerr"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strlen(known[k]) == length_of(status) && begins_with(status, known[k], strlen(known[k])))
            return true;
    return false;
}

/* Add a new status, or take "other" for it when there are too many. */
RARE enum mt_stop add_status(struct mt_dictionaries *dictionaries, struct key *key,
                             struct record *record) {
    static const uint8_t other[NAME_HEAD] = "other";
    struct text status = record->status;
    bool is_known = is_known_status(status);
    if (!is_known && dictionaries->unknown_statuses >= MT_MAX_UNKNOWN)
        *key = key_of((struct text){other, other + 5}, other + sizeof other,
                      &dictionaries->statuses);
    else if (has_room(&dictionaries->statuses, key->length))
        dictionaries->unknown_statuses += !is_known;
    record->status_index = interned(&dictionaries->statuses, key);
    return record->status_index == NO_ROOM ? MT_FULL_NAMES : MT_DONE;
}

RARE enum mt_stop resolve_status(struct mt_dictionaries *dictionaries, struct recent *recent,
                                 const uint8_t *chunk_end, struct record *record) {
    struct key key = key_of(record->status, chunk_end, &dictionaries->statuses);
    const struct mt_slot *slot = slot_of(&key, &dictionaries->statuses);
    record->status_index = slot->number - 1;
    if (!slot->number) return add_status(dictionaries, &key, record);
    if (key.length <= WORD) {
        uint64_t bytes = ((words2)key.head.low)[0];
        *status_place(recent, bytes) = (struct short_status){bytes, record->status_index};
    }
    return MT_DONE;
}

/* Resolve the names of one record, or find another fault of its line. */
INLINE enum mt_stop resolve_record(struct mt_dictionaries *dictionaries, struct recent *recent,
                                   const uint8_t *chunk_end, struct record *record) {
    enum mt_stop stop = resolve_domain(dictionaries, chunk_end, record);
    if (stop || record->reason) return stop;
    if (UNLIKELY(record->host_index == NOT_LOOKED_UP))
        stop = resolve_host(dictionaries, recent, record);
    if (stop || record->reason) return stop;
    if (record->status_index == NOT_LOOKED_UP)
        stop = resolve_status(dictionaries, recent, chunk_end, record);
    return stop;
}

#endif

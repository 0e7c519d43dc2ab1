/* The join: what an event changes, and what a finished delivery is.
 *
 * A delivery is a record if its beginning, and the size and sender of its message are known. Its
 * attempts are the deferred ones before it, plus one. Rows are only added while a chunk is read.
 */
#ifndef MAILTALLY_JOINING_H
#define MAILTALLY_JOINING_H

#include "matching.h"
#include "names.h"

struct join {
    struct mt_queue *queue;
    struct text chunk;
};

/* A range that may be the host of the line itself: its start is null then. */
#define HOST_ITSELF ((struct text){NULL, NULL})

INLINE struct mt_message *message_at(const struct mt_queue *queue, uint64_t row) {
    return (struct mt_message *)queue->messages.rows + row;
}

INLINE struct mt_recipient *recipient_at(const struct mt_queue *queue, uint64_t row) {
    return (struct mt_recipient *)queue->recipients.rows + row;
}

INLINE struct mt_delivery *delivery_at(const struct mt_queue *queue, uint64_t row) {
    return (struct mt_delivery *)queue->deliveries.rows + row;
}

INLINE bool has_row(const struct mt_table *table) { return table->count < table->room; }

/* What a name at an offset is in: the saved text, or the chunk. */
INLINE struct text text_with(const struct join *join, int64_t offset) {
    const struct mt_queue *queue = join->queue;
    if ((uint64_t)offset >= queue->text_length) return join->chunk;
    return (struct text){queue->text, queue->text + queue->text_length};
}

INLINE struct text name_at(const struct join *join, int64_t start, int64_t end) {
    if (start == MT_HOST_ITSELF) return HOST_ITSELF;
    uint64_t length = join->queue->text_length;
    bool is_saved = (uint64_t)start < length;
    uint64_t place = is_saved ? (uint64_t)start : (uint64_t)start - length;
    const uint8_t *found = text_with(join, start).start + place;
    return (struct text){found, found + (end - start)};
}

INLINE int64_t offset_of(const struct join *join, const uint8_t *place) {
    return place - join->chunk.start + (int64_t)join->queue->text_length;
}

INLINE uint64_t digest_of_number(uint32_t host, int64_t number, const uint64_t key[4]) {
    return folded(folded((uint64_t)number ^ key[0], key[1] | 1) ^ host, key[2] | 1);
}

INLINE uint32_t *slot_at(const struct mt_table *table, uint64_t digest) {
    return &table->slots[digest & (table->slot_count - 1)];
}

/* The slot of a host's message number: of its row, or a free one. */
INLINE uint32_t *slot_of_message(const struct mt_queue *queue, uint32_t host, int64_t number) {
    uint64_t digest = digest_of_number(host, number, queue->key);
    for (;; digest++) {
        uint32_t *slot = slot_at(&queue->messages, digest);
        if (!*slot) return slot;
        const struct mt_message *message = message_at(queue, *slot - 1);
        if (message->number == number && message->host == host) return slot;
    }
}

INLINE uint32_t *slot_of_delivery(const struct mt_queue *queue, uint32_t host, int64_t number) {
    uint64_t digest = digest_of_number(host, number, queue->key);
    for (;; digest++) {
        uint32_t *slot = slot_at(&queue->deliveries, digest);
        if (!*slot) return slot;
        const struct mt_delivery *delivery = delivery_at(queue, *slot - 1);
        if (delivery->number == number && delivery->host == host) return slot;
    }
}

INLINE bool is_recipient(const struct join *join, const struct mt_recipient *one,
                         const struct mt_recipient *other, struct text name) {
    return one->message == other->message && one->life == other->life && one->way == other->way &&
           same_text(name_at(join, one->name, one->name_end), name);
}

/* The slot of a message's recipient; `name_end` of the row looked for may be that of any log. */
INLINE uint32_t *slot_of_recipient(const struct join *join, const struct mt_recipient *wanted) {
    const struct mt_queue *queue = join->queue;
    struct text name = name_at(join, wanted->name, wanted->name_end);
    uint64_t digest = digest_of(name, text_with(join, wanted->name).end, queue->key);
    digest = folded(digest ^ wanted->message, queue->key[1] | 1);
    for (;; digest++) {
        uint32_t *slot = slot_at(&queue->recipients, digest);
        if (!*slot || is_recipient(join, recipient_at(queue, *slot - 1), wanted, name))
            return slot;
    }
}

/* Take the next row of a table, in which there is room, for a free slot. */
INLINE uint64_t new_row(struct mt_table *table, uint32_t *slot) {
    *slot = (uint32_t)++table->count;
    return table->count - 1;
}

/* The message of a number, or null. */
INLINE struct mt_message *find_message(const struct mt_queue *queue, uint32_t host,
                                       int64_t number) {
    uint32_t *slot = slot_of_message(queue, host, number);
    return *slot ? message_at(queue, *slot - 1) : NULL;
}

/* Whether a message is in progress and had an event within the age. */
INLINE bool is_current(const struct mt_queue *queue, const struct mt_message *message,
                       int64_t time) {
    return message->known && message->seen >= time - queue->max_age;
}

/* The range after the last `@` of an address, an empty one without `@`; HOST_ITSELF for the null
 * sender, for that of a double bounce, and for an address literal. */
INLINE struct text domain_of(struct text address) {
    if (is_empty(address) || (length_of(address) == 4 && BEGINS_WITH(address, "#@[]")))
        return HOST_ITSELF;
    const uint8_t *at = address.end;
    while (at > address.start && at[-1] != '@') at--;
    if (at == address.start) return (struct text){address.end, address.end};
    return at < address.end && *at == '[' ? HOST_ITSELF : (struct text){at, address.end};
}

/* Each event returns MT_DONE, or changes nothing and returns why there has to be room first. */

INLINE void forget(const struct mt_queue *queue, uint32_t host, const struct field *fields) {
    struct mt_message *message = find_message(queue, host, fields[MT_MESSAGE].number);
    if (message) message->known = false;
}

/* Note the size and the sender of a number's message. */
INLINE enum mt_stop learn(const struct join *join, uint32_t host, const struct field *fields) {
    struct mt_queue *queue = join->queue;
    int64_t number = fields[MT_MESSAGE].number;
    uint32_t *slot = slot_of_message(queue, host, number);
    if (!*slot && !has_row(&queue->messages)) return MT_FULL_QUEUE;
    if (!*slot)
        *message_at(queue, new_row(&queue->messages, slot)) =
            (struct mt_message){.number = number, .host = host};
    struct mt_message *message = message_at(queue, *slot - 1);
    struct text name = domain_of(fields[MT_SENDER].range);
    message->life++;
    message->known = true;
    message->size = fields[MT_SIZE].number;
    message->seen = fields[MT_TIME].number;
    message->name = name.start ? offset_of(join, name.start) : MT_HOST_ITSELF;
    message->name_end = name.start ? offset_of(join, name.end) : MT_HOST_ITSELF;
    return MT_DONE;
}

/* The row of a recipient plus 1, which is added if it is new; there is room. */
INLINE uint32_t recipient_for(const struct join *join, const struct mt_message *message,
                              const struct field *fields) {
    struct mt_queue *queue = join->queue;
    struct text name = fields[MT_RECIPIENT].range;
    struct mt_recipient wanted = {.life = message->life,
                                  .name = offset_of(join, name.start),
                                  .name_end = offset_of(join, name.end),
                                  .message = (uint32_t)(message - message_at(queue, 0)),
                                  .way = (uint32_t)fields[MT_WAY].number};
    uint32_t *slot = slot_of_recipient(join, &wanted);
    if (!*slot) *recipient_at(queue, new_row(&queue->recipients, slot)) = wanted;
    return *slot;
}

/* Note a delivery that begins; an earlier one with its number is dropped. */
INLINE enum mt_stop start(const struct join *join, uint32_t host, const struct field *fields) {
    struct mt_queue *queue = join->queue;
    int64_t number = fields[MT_DELIVERY].number;
    if (!has_row(&queue->deliveries) || !has_row(&queue->recipients)) return MT_FULL_QUEUE;
    uint32_t *slot = slot_of_delivery(queue, host, number);
    if (!*slot)
        *delivery_at(queue, new_row(&queue->deliveries, slot)) =
            (struct mt_delivery){.number = number, .host = host};
    struct mt_delivery *delivery = delivery_at(queue, *slot - 1);
    struct mt_message *message = find_message(queue, host, fields[MT_MESSAGE].number);
    delivery->recipient = 0;
    if (!message || !is_current(queue, message, fields[MT_TIME].number)) return MT_DONE;
    message->seen = fields[MT_TIME].number;
    delivery->recipient = recipient_for(join, message, fields);
    return MT_DONE;
}

/* A delivery that ends: rows, or null where they are not known. */
struct ending {
    struct mt_delivery *delivery;
    struct mt_recipient *recipient;
    struct mt_message *message; /* null unless all are known and current */
};

INLINE struct ending find_ending(const struct mt_queue *queue, uint32_t host,
                                 const struct field *fields) {
    struct ending ending = {NULL, NULL, NULL};
    uint32_t *slot = slot_of_delivery(queue, host, fields[MT_DELIVERY].number);
    if (!*slot) return ending;
    ending.delivery = delivery_at(queue, *slot - 1);
    if (!ending.delivery->recipient) return ending;
    ending.recipient = recipient_at(queue, ending.delivery->recipient - 1);
    struct mt_message *message = message_at(queue, ending.recipient->message);
    bool same_life = ending.recipient->life == message->life;
    if (same_life && is_current(queue, message, fields[MT_TIME].number)) ending.message = message;
    return ending;
}

/* End a delivery, with this many deferrals of its recipient from now on. */
INLINE void end_delivery(struct ending *ending, int64_t time, int64_t deferrals) {
    if (ending->delivery) ending->delivery->recipient = 0;
    if (!ending->message) return;
    ending->message->seen = time;
    ending->recipient->deferrals = deferrals;
}

/* Count a deferred delivery as an attempt of the later one. */
INLINE void defer(const struct mt_queue *queue, uint32_t host, const struct field *fields) {
    struct ending ending = find_ending(queue, host, fields);
    int64_t before = ending.message ? ending.recipient->deferrals : 0;
    end_delivery(&ending, fields[MT_TIME].number, before < INT64_MAX - 1 ? before + 1 : before);
}

#endif

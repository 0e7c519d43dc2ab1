/* The state of a queue between chunks: tables of int64 and the text of their names, and back.
 *
 * What is read may be damaged: every number in it is checked. It need not be aligned.
 */
#include "joining.h"

#define MESSAGE_COLUMNS 5
#define RECIPIENT_COLUMNS 4
#define DELIVERY_COLUMNS 3

INLINE int64_t number_at(const uint8_t *table, uint64_t place) {
    int64_t number;
    memcpy(&number, table + place * sizeof number, sizeof number);
    return number;
}

INLINE void set_numbers(uint8_t *table, uint64_t row, const int64_t *numbers, uint64_t columns) {
    const uint64_t width = columns * sizeof *numbers;
    memcpy(table + row * width, numbers, width);
}

/* Where names are taken from the text, one after the other. */
struct names_left {
    int64_t place;
    int64_t end;
};

/* Take a name of a length; false if there are not as many bytes. */
INLINE bool take_name(struct names_left *names, int64_t length, int64_t *start, int64_t *end) {
    if (length < 0 || length > names->end - names->place) return false;
    *start = names->place;
    *end = names->place += length;
    return true;
}

static bool restore_message(struct mt_queue *queue, const uint8_t *row, const uint32_t *hosts,
                            uint64_t host_count, struct names_left *names) {
    struct mt_message message = {.number = number_at(row, 1),
                                 .size = number_at(row, 2),
                                 .seen = number_at(row, 3),
                                 .name = MT_HOST_ITSELF,
                                 .name_end = MT_HOST_ITSELF,
                                 .known = true};
    uint64_t host = (uint64_t)number_at(row, 0);
    int64_t length = number_at(row, 4);
    if (host >= host_count || message.number < 0 || message.size < 0 || message.seen < 0)
        return false;
    message.host = hosts[host];
    if (length != MT_HOST_ITSELF && !take_name(names, length, &message.name, &message.name_end))
        return false;
    *message_at(queue, queue->messages.count++) = message;
    return true;
}

static bool restore_recipient(struct mt_queue *queue, const uint8_t *row,
                              struct names_left *names) {
    struct mt_recipient recipient = {.deferrals = number_at(row, 2),
                                     .way = number_at(row, 1) ? MT_SMTP_IN : MT_SMTP_OUT};
    uint64_t message = (uint64_t)number_at(row, 0);
    if (message >= queue->messages.count || recipient.deferrals < 0) return false;
    recipient.message = (uint32_t)message;
    if (!take_name(names, number_at(row, 3), &recipient.name, &recipient.name_end)) return false;
    *recipient_at(queue, queue->recipients.count++) = recipient;
    return true;
}

static bool restore_delivery(struct mt_queue *queue, const uint8_t *row, const uint32_t *hosts,
                             uint64_t host_count) {
    uint64_t host = (uint64_t)number_at(row, 0), recipient = (uint64_t)number_at(row, 2);
    int64_t number = number_at(row, 1);
    if (host >= host_count || recipient >= queue->recipients.count || number < 0) return false;
    *delivery_at(queue, queue->deliveries.count++) =
        (struct mt_delivery){.number = number,
                             .host = hosts[host],
                             .recipient = (uint32_t)recipient + 1};
    return true;
}

/* Whether one of the names has a line feed, which would end it in a dictionary. */
static bool has_line_feed(const struct mt_queue *queue, uint64_t names) {
    return memchr(queue->text + names, '\n', queue->text_length - names) != NULL;
}

int32_t mt_restore_queue(struct mt_queue *queue, const struct mt_saved *saved,
                         const uint32_t *hosts, uint64_t host_count, uint64_t names) {
    struct names_left left = {(int64_t)names, (int64_t)queue->text_length};
    const uint64_t size = sizeof(int64_t);
    if (names > queue->text_length || has_line_feed(queue, names) ||
        saved->messages.count > queue->messages.room ||
        saved->recipients.count > queue->recipients.room ||
        saved->deliveries.count > queue->deliveries.room)
        return -1;
    for (uint64_t k = 0; k < saved->messages.count; k++)
        if (!restore_message(queue, saved->messages.rows + k * MESSAGE_COLUMNS * size, hosts,
                             host_count, &left))
            return -1;
    for (uint64_t k = 0; k < saved->recipients.count; k++)
        if (!restore_recipient(queue, saved->recipients.rows + k * RECIPIENT_COLUMNS * size,
                               &left))
            return -1;
    for (uint64_t k = 0; k < saved->deliveries.count; k++)
        if (!restore_delivery(queue, saved->deliveries.rows + k * DELIVERY_COLUMNS * size, hosts,
                              host_count))
            return -1;
    return left.place == left.end ? 0 : -1;
}

INLINE bool is_of_current(const struct mt_queue *queue, const struct mt_recipient *recipient) {
    const struct mt_message *message = message_at(queue, recipient->message);
    return message->known && message->life == recipient->life;
}

void mt_weigh_queue(const struct mt_queue *queue, uint32_t *rows, uint8_t *needed) {
    for (uint64_t k = 0; k < queue->messages.count; k++) rows[k] = message_at(queue, k)->known;
    for (uint64_t k = 0; k < queue->recipients.count; k++)
        needed[k] = recipient_at(queue, k)->deferrals > 0;
    for (uint64_t k = 0; k < queue->deliveries.count; k++) {
        uint32_t recipient = delivery_at(queue, k)->recipient;
        if (recipient) needed[recipient - 1] = true;
    }
    for (uint64_t k = 0; k < queue->recipients.count; k++) {
        const struct mt_recipient *recipient = recipient_at(queue, k);
        needed[k] = needed[k] && is_of_current(queue, recipient);
        if (needed[k]) rows[recipient->message] += 2;
    }
}

/* Append a name to the text, or only count its bytes, and return its length. */
static int64_t save_name(const struct join *join, struct mt_saved *saved, int64_t start,
                         int64_t end) {
    struct text name = name_at(join, start, end);
    if (!name.start) return MT_HOST_ITSELF;
    if (saved->text && !is_empty(name))
        memcpy(saved->text + saved->text_length, name.start, length_of(name));
    saved->text_length += length_of(name);
    return (int64_t)length_of(name);
}

static void save_message(const struct join *join, const struct mt_message *message,
                         struct mt_saving *saving, struct mt_saved *saved) {
    int64_t length = save_name(join, saved, message->name, message->name_end);
    uint64_t row = saved->messages.count++;
    if (!saved->text) {
        saving->hosts[message->host] = 1;
        return;
    }
    const int64_t numbers[] = {saving->hosts[message->host], message->number, message->size,
                               message->seen, length};
    set_numbers(saved->messages.rows, row, numbers, MESSAGE_COLUMNS);
}

static void save_recipient(const struct join *join, const struct mt_recipient *recipient,
                           const struct mt_saving *saving, struct mt_saved *saved) {
    int64_t length = save_name(join, saved, recipient->name, recipient->name_end);
    uint64_t row = saved->recipients.count++;
    const int64_t numbers[] = {saving->message_row[recipient->message],
                               recipient->way == MT_SMTP_IN, recipient->deferrals, length};
    if (saved->text) set_numbers(saved->recipients.rows, row, numbers, RECIPIENT_COLUMNS);
}

static void save_delivery(const struct mt_delivery *delivery, struct mt_saving *saving,
                          struct mt_saved *saved) {
    uint64_t row = saved->deliveries.count++;
    if (!saved->text) {
        saving->hosts[delivery->host] = 1;
        return;
    }
    const int64_t numbers[] = {saving->hosts[delivery->host], delivery->number,
                               saving->recipient_row[delivery->recipient - 1]};
    set_numbers(saved->deliveries.rows, row, numbers, DELIVERY_COLUMNS);
}

/* Whether a recipient is saved: it is needed, and its message is kept. */
INLINE bool is_saved(const struct mt_queue *queue, const struct mt_saving *saving,
                     uint64_t recipient) {
    return saving->needed[recipient] && saving->kept[recipient_at(queue, recipient)->message];
}

void mt_save_queue(struct mt_queue *queue, const uint8_t *start, uint64_t length,
                   struct mt_saving *saving, struct mt_saved *saved) {
    struct join join = {queue, {start, start + length}};
    for (uint64_t k = 0; k < queue->messages.count; k++) {
        if (!saving->kept[k]) continue;
        saving->message_row[k] = (uint32_t)saved->messages.count;
        save_message(&join, message_at(queue, k), saving, saved);
    }
    for (uint64_t k = 0; k < queue->recipients.count; k++) {
        if (!is_saved(queue, saving, k)) continue;
        saving->recipient_row[k] = (uint32_t)saved->recipients.count;
        save_recipient(&join, recipient_at(queue, k), saving, saved);
    }
    for (uint64_t k = 0; k < queue->deliveries.count; k++) {
        const struct mt_delivery *delivery = delivery_at(queue, k);
        if (delivery->recipient && is_saved(queue, saving, delivery->recipient - 1))
            save_delivery(delivery, saving, saved);
    }
}

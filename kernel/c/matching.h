/* The matcher: runs the steps of a program over a line. It knows no log; programs do.
 *
 * Every step goes on to a later one, but for a retry, which finds a later place of the line each time.
 */
#ifndef MAILTALLY_MATCHING_H
#define MAILTALLY_MATCHING_H

#include "clock.h"

struct field {
    int64_t number;
    struct text range;
};

/* The beginning that the last line had, and what it says. */
struct shared {
    struct text beginning;
    struct text host;
    int64_t time;
};

struct matcher {
    const struct mt_program *program;
    struct field fields[MT_FIELDS];
    struct shared shared;
    struct stamp stamp;
    struct mt_clock *clock;
    const uint8_t *start; /* of the line */
    const uint8_t *end;
};

INLINE const uint8_t *bytes_at(const struct matcher *matcher, uint32_t place) {
    return matcher->program->bytes + place;
}

/* Each of these returns the place after what it takes, or null if it fails. */

INLINE const uint8_t *take_text(const uint8_t *place, const uint8_t *end, const uint8_t *text,
                                size_t length) {
    if ((size_t)(end - place) < length) return NULL;
    for (size_t k = 0; k < length; k++)
        if (place[k] != text[k]) return NULL;
    return place + length;
}

INLINE const uint8_t *take_bytes(const uint8_t *place, const uint8_t *end, const uint8_t *set,
                                 const struct mt_step *step) {
    size_t most = (size_t)(end - place) < step->most ? (size_t)(end - place) : step->most;
    size_t count = 0;
    while (count < most && set[place[count]]) count++;
    return count < step->length ? NULL : place + count;
}

INLINE const uint8_t *take_number(const uint8_t *place, const uint8_t *end, int64_t most,
                                  int64_t *number) {
    const uint8_t *start = place;
    int64_t value = 0;
    for (; place < end && is_digit(*place); place++) {
        value = value * 10 + (*place - '0');
        if (value > most) return NULL;
    }
    *number = value;
    return place == start ? NULL : place;
}

/* The value of a small hexadecimal digit; above 15 for any other byte. */
INLINE uint8_t hex_value(uint8_t byte) {
    if (is_digit(byte)) return (uint8_t)(byte - '0');
    return (uint8_t)(byte - 'a') <= 5 ? (uint8_t)(byte - 'a' + 10) : 16;
}

INLINE const uint8_t *take_hex(const uint8_t *place, const uint8_t *end,
                               const struct mt_step *step, int64_t *number) {
    uint64_t value = 0;
    if ((size_t)(end - place) < step->length) return NULL;
    for (uint32_t k = 0; k < step->length; k++) {
        uint8_t digit = hex_value(place[k]);
        if (digit > 15) return NULL;
        value = value << 4 | digit;
    }
    if (value < step->bias || value - step->bias > (uint64_t)step->limit) return NULL;
    *number = (int64_t)(value - step->bias);
    return place + step->length;
}

INLINE const uint8_t *take_up_to(const uint8_t *place, const uint8_t *end, const uint8_t *set,
                                 struct text text) {
    const size_t length = length_of(text);
    for (; (size_t)(end - place) >= length; place++) {
        if (*place == *text.start && memcmp(place, text.start, length) == 0) return place;
        if (!set[*place]) return NULL;
    }
    return NULL;
}

INLINE const uint8_t *take_up_to_last(const uint8_t *place, const uint8_t *end,
                                      struct text text) {
    const size_t length = length_of(text);
    if ((size_t)(end - place) < length) return NULL;
    for (const uint8_t *last = end - length;; last--) {
        if (*last == *text.start && memcmp(last, text.start, length) == 0) return last;
        if (last == place) return NULL;
    }
}

/* The place after a quoted local part; backslashes quote a byte. */
INLINE const uint8_t *after_quoted(const uint8_t *place, const uint8_t *end) {
    for (place++; place < end; place++) {
        if (*place == '"') return place + 1;
        if (*place == '\\' && ++place == end) break;
    }
    return NULL;
}

/* Take an address up to its `>`. One that is not quoted may hold `>`. */
INLINE const uint8_t *take_address(const uint8_t *place, const uint8_t *end) {
    bool is_quoted = place < end && *place == '"';
    if (is_quoted && !(place = after_quoted(place, end))) return NULL;
    for (; place < end; place++) {
        if (*place != '>') continue;
        if (is_quoted || place + 1 == end || place[1] == ',' || place[1] == ' ') return place;
    }
    return NULL;
}

/* Whether the line begins as the last one did, with the byte after it: no step of a shared beginning
 * looks further. */
INLINE const uint8_t *recall(struct matcher *matcher) {
    const struct shared *shared = &matcher->shared;
    size_t length = length_of(shared->beginning);
    if (!length || (size_t)(matcher->end - matcher->start) <= length) return NULL;
    if (!same_bytes(matcher->start, shared->beginning.start, length + 1)) return NULL;
    matcher->fields[MT_TIME].number = shared->time;
    matcher->fields[MT_HOST].range = shared->host;
    return matcher->start + length;
}

INLINE void remember(struct matcher *matcher, const uint8_t *place) {
    matcher->shared = (struct shared){{matcher->start, place},
                                      matcher->fields[MT_HOST].range,
                                      matcher->fields[MT_TIME].number};
}

/* Take the value of a range that was taken before. */
INLINE const uint8_t *take_value(const uint8_t *place, struct field *field, int64_t limit) {
    int64_t number = number_of(field->range, limit);
    if (number < 0) return NULL;
    field->number = number;
    return place;
}

/* Note the moment of a stamp with an offset: `Z`, `+hh:mm` or `+hhmm`. */
INLINE const uint8_t *take_offset(struct matcher *matcher, const uint8_t *place,
                                  struct text range) {
    int64_t offset = 0, *time = &matcher->fields[MT_TIME].number;
    if (is_empty(range)) return place;
    if (!is_valid(&matcher->stamp)) return NULL;
    if (length_of(range) >= 5) {
        int32_t hours = two_digits(range.start + 1), minutes = two_digits(range.end - 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NULL;
        offset = (hours * 60 + minutes) * 60;
    }
    if (*range.start == '-') offset = -offset;
    *time = face_in(matcher->stamp.year, &matcher->stamp) - offset;
    matcher->stamp.has_moment = true;
    return *time < 0 || *time >= MT_END_OF_TIME ? NULL : place;
}

/* Take `-`, or elements `[id name="value"]`, whose values may hold `]` and, behind a backslash, `"`. */
INLINE const uint8_t *take_structured(const uint8_t *place, const uint8_t *end) {
    if (place < end && *place == '-') return place + 1;
    if (place == end || *place != '[') return NULL;
    while (place < end && *place == '[') {
        for (place++; place < end && *place != ']';) {
            if (*place == '\\') return NULL;
            place = *place == '"' ? after_quoted(place, end) : place + 1;
            if (!place) return NULL;
        }
        if (place++ == end) return NULL;
    }
    return place;
}

/* Go into a range, and note in the step's second field how to come back. */
INLINE const uint8_t *enter(struct matcher *matcher, const struct mt_step *step,
                            const uint8_t *place) {
    struct text range = matcher->fields[step->field].range;
    matcher->fields[step->length].range = (struct text){place, matcher->end};
    matcher->end = range.end;
    return range.start;
}

INLINE const uint8_t *leave(struct matcher *matcher, struct text outside) {
    matcher->end = outside.end;
    return outside.start;
}

/* Find a text; the field's range is where to go on searching. */
INLINE const uint8_t *search(const struct matcher *matcher, const struct mt_step *step,
                             const uint8_t *place, struct field *field) {
    const uint8_t *text = bytes_at(matcher, step->place), *set = bytes_at(matcher, step->set);
    const uint8_t *found =
        take_up_to(place, matcher->end, set, (struct text){text, text + step->length});
    if (found) field->range = (struct text){found + 1, matcher->end};
    return found;
}

INLINE const uint8_t *search_last(const struct matcher *matcher, const struct mt_step *step,
                                  const uint8_t *place, struct field *field) {
    const uint8_t *text = bytes_at(matcher, step->place);
    if (field->number) place = field->range.start;
    else field->range = (struct text){place, matcher->end};
    if (field->range.end > matcher->end) return NULL;
    const uint8_t *found =
        take_up_to_last(place, field->range.end, (struct text){text, text + step->length});
    field->number = found != NULL;
    if (found) field->range.end = found + step->length - 1;
    return found;
}

/* End a range, which may not end before it begins: a step may have gone back since. */
INLINE const uint8_t *end_range(struct field *field, const uint8_t *place) {
    if (place < field->range.start) return NULL;
    return field->range.end = place, place;
}

/* Go back to where a range begins, which may be outside of one that was entered since. */
INLINE const uint8_t *go_back(const struct field *field, const uint8_t *end) {
    return field->range.start <= end ? field->range.start : NULL;
}

/* Forget what the line before said: all numbers are 0, all ranges empty and in this line. */
INLINE void clear_fields(struct matcher *matcher, const uint8_t *start) {
    for (int k = 0; k < MT_FIELDS; k++) matcher->fields[k] = (struct field){0, {start, start}};
}

/* Do one step at a place. */
INLINE const uint8_t *take(struct matcher *matcher, const struct mt_step *step,
                           const uint8_t *place) {
    const uint8_t *end = matcher->end;
    struct field *field = &matcher->fields[step->field];
    const uint8_t *text = bytes_at(matcher, step->place), *set = bytes_at(matcher, step->set);
    switch ((enum mt_op)step->op) {
    case MT_TEXT: return take_text(place, end, text, step->length);
    case MT_BYTES: return take_bytes(place, end, set, step);
    case MT_NUMBER: return take_number(place, end, step->limit, &field->number);
    case MT_HEX: return take_hex(place, end, step, &field->number);
    case MT_UP_TO: return take_up_to(place, end, set, (struct text){text, text + step->length});
    case MT_UP_TO_LAST:
        return take_up_to_last(place, end, (struct text){text, text + step->length});
    case MT_ADDRESS: return take_address(place, end);
    case MT_REST: return end;
    case MT_AT_END: return place == end ? place : NULL;
    case MT_VALUE: return take_value(place, field, step->limit);
    case MT_SET: return field->number = step->limit, place;
    case MT_BEGIN: return field->range = (struct text){place, place}, place;
    case MT_END: return end_range(field, place);
    case MT_BACK: return go_back(field, end);
    case MT_RECALL: return recall(matcher);
    case MT_REMEMBER: return remember(matcher, place), place;
    case MT_STAMP: return take_stamp(place, end, step->most, &matcher->stamp);
    case MT_OFFSET: return take_offset(matcher, place, field->range);
    case MT_MOMENT: return matcher->stamp.has_moment = true, place;
    case MT_DATED:
        return resolve_stamp(matcher->clock, &matcher->stamp, &field->number) ? place : NULL;
    case MT_STRUCTURED: return take_structured(place, end);
    case MT_AFTER: return place > matcher->start && set[place[-1]] ? place : NULL;
    case MT_ENTER: return enter(matcher, step, place);
    case MT_LEAVE: return leave(matcher, field->range);
    case MT_SEARCH: return search(matcher, step, place, field);
    case MT_SEARCH_LAST: return search_last(matcher, step, place, field);
    case MT_RETRY: return go_back(field, end);
    default: return NULL; /* MT_JUMP */
    }
}

/* Run the program over a line, and return what it returns. */
INLINE int64_t match(struct matcher *matcher, struct text line) {
    const struct mt_step *steps = matcher->program->steps, *step = steps;
    const uint8_t *place = line.start;
    matcher->start = line.start;
    matcher->end = line.end;
    clear_fields(matcher, line.start);
    matcher->fields[MT_TIMES].number = 1;
    while (step->op != MT_RETURN) {
        const uint8_t *after = take(matcher, step, place);
        if (after) place = after;
        step = (after != NULL) != (step->op == MT_RETRY) ? step + 1 : steps + step->otherwise;
    }
    return step->limit;
}

#endif

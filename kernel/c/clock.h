/* The moment of a stamp: the year and the zone that are not in it.
 *
 * A face is what a clock in the log's zone shows, as seconds since 1970 without a zone. A missing year
 * is that of the stamp before, or at the beginning of a file the last one in which the stamp is at most
 * a day after the file's change. An hour that is repeated is its second pass once stamps run backwards
 * by more than half of it; one that is skipped is read with the offset before.
 */
#ifndef MAILTALLY_CLOCK_H
#define MAILTALLY_CLOCK_H

#include "bytes.h"
#include "kernel.h"

#define DAY INT64_C(86400)
#define NO_YEAR (-1)
#define HALF_A_YEAR (183 * DAY)
#define LATE (7 * DAY) /* a line of December after one of January */

/* What a line says about its time. */
struct stamp {
    int64_t year; /* or NO_YEAR */
    int32_t month, day, hour, minute, second;
    bool has_moment; /* the number of MT_TIME is Unix seconds already */
};

/* The number of two digits, or -1. */
INLINE int32_t two_digits(const uint8_t *place) {
    return is_digit(place[0]) && is_digit(place[1]) ? (place[0] - '0') * 10 + place[1] - '0' : -1;
}

INLINE bool take_time_of_day(const uint8_t *place, struct stamp *stamp) {
    stamp->hour = two_digits(place);
    stamp->minute = two_digits(place + 3);
    stamp->second = two_digits(place + 6);
    return (stamp->hour | stamp->minute | stamp->second) >= 0 && place[2] == ':' && place[5] == ':';
}

/* Take `Nov  8 09:01:02`, or `2026-11-08T09:01:02` with a given byte between date and time. */
INLINE const uint8_t *take_stamp(const uint8_t *place, const uint8_t *end, uint32_t between,
                                 struct stamp *stamp) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const size_t length = between ? 19 : 15;
    if ((size_t)(end - place) < length) return NULL;
    const uint8_t *day = place + (between ? 8 : 4);
    const uint8_t padded[] = {day[0] == ' ' && !between ? '0' : day[0], day[1]};
    *stamp = (struct stamp){.year = NO_YEAR, .day = two_digits(padded)};
    if (between) {
        int32_t century = two_digits(place), year = two_digits(place + 2);
        stamp->month = two_digits(place + 5);
        stamp->year = 100 * century + year;
        if ((century | year | stamp->month) < 0 || day[2] != between) return NULL;
        if (place[4] != '-' || place[7] != '-') return NULL;
    } else {
        while (stamp->month < 12 && memcmp(place, months + 3 * stamp->month, 3)) stamp->month++;
        if (stamp->month++ == 12 || place[3] != ' ' || day[2] != ' ') return NULL;
    }
    return stamp->day >= 0 && take_time_of_day(day + 3, stamp) ? place + length : NULL;
}

INLINE bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 || year % 400 == 0); }

/* Days from 1970 to a date of a year from 0 on. */
INLINE int64_t days_to(int64_t year, int64_t month, int64_t day) {
    year += 400 - (month <= 2); /* years begin in March, and none is negative */
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468 - 146097;
}

/* The year itself, or of 29 February the last leap year up to it. */
INLINE int64_t leap_of(int64_t year, const struct stamp *stamp) {
    while (stamp->month == 2 && stamp->day == 29 && !is_leap(year)) year--;
    return year;
}

INLINE int64_t face_in(int64_t year, const struct stamp *stamp) {
    int64_t minutes = stamp->hour * 60 + stamp->minute;
    return days_to(year, stamp->month, stamp->day) * DAY + minutes * 60 + stamp->second;
}

/* Whether a calendar has the stamp. */
INLINE bool is_valid(const struct stamp *stamp) {
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if ((uint32_t)(stamp->month - 1) > 11) return false;
    if (stamp->day < 1 || stamp->day > days[stamp->month - 1]) return false;
    if (stamp->hour > 23 || stamp->minute > 59 || stamp->second > 59) return false;
    return stamp->year == NO_YEAR || leap_of(stamp->year, stamp) == stamp->year;
}

INLINE int64_t year_of_face(int64_t face) {
    int64_t year = 1970 + face / (366 * DAY);
    while (days_to(year + 1, 1, 1) * DAY <= face) year++;
    while (days_to(year, 1, 1) * DAY > face) year--;
    return year;
}

/* The face at which a change of the zone is over, for the first pass of a repeated hour or the second. */
INLINE int64_t face_after(const struct mt_clock *clock, uint64_t change, bool is_second) {
    int64_t before = clock->offsets[change], after = clock->offsets[change + 1];
    return clock->changes[change] + ((before < after) == is_second ? before : after);
}

/* How many changes of the zone precede a face. */
INLINE uint64_t period_of(const struct mt_clock *clock, int64_t face, bool is_second) {
    uint64_t period = clock->count;
    while (period && face_after(clock, period - 1, is_second) > face) period--;
    return period;
}

/* The offset of a moment. Neighbouring lines mostly lie in the same period. */
INLINE int64_t offset_at(struct mt_clock *clock, int64_t seconds) {
    uint64_t period = clock->period;
    bool is_before = period < clock->count && clock->changes[period] <= seconds;
    if (UNLIKELY(is_before)) period = clock->count;
    while (period && clock->changes[period - 1] > seconds) period--;
    clock->period = period;
    return clock->offsets[period];
}

/* Whether a face is one moment only, and lies in the period of the face before. */
INLINE bool is_in_period(const struct mt_clock *clock, int64_t face) {
    uint64_t period = clock->period;
    return (!period || face_after(clock, period - 1, false) <= face) &&
           (period == clock->count || face_after(clock, period, true) > face);
}

/* The offset of a face; notes the second pass of a repeated hour. */
INLINE int64_t offset_of_face(struct mt_clock *clock, int64_t face) {
    if (LIKELY(is_in_period(clock, face))) return clock->offsets[clock->period];
    uint64_t first = period_of(clock, face, false), second = period_of(clock, face, true);
    int64_t repeated = clock->offsets[first] - clock->offsets[second];
    clock->period = first;
    if (repeated <= 0) return clock->offsets[first];
    int64_t begins = face_after(clock, second - 1, true);
    if (clock->previous != MT_NO_TIME && clock->previous - face > repeated / 2)
        clock->second_pass = begins;
    return clock->offsets[clock->second_pass == begins ? second : first];
}

/* The last year in which a stamp is at most a day after the file's change. */
INLINE int64_t first_year(struct mt_clock *clock, const struct stamp *stamp) {
    if (clock->first_year >= 0) return leap_of(clock->first_year, stamp);
    int64_t newest = clock->modified + offset_at(clock, clock->modified) + DAY;
    int64_t year = leap_of(year_of_face(newest), stamp);
    return face_in(year, stamp) > newest ? leap_of(year - 1, stamp) : year;
}

/* The year of a stamp without one. */
INLINE int64_t year_of(struct mt_clock *clock, const struct stamp *stamp) {
    if (clock->begins || clock->previous == MT_NO_TIME) return first_year(clock, stamp);
    int64_t year = year_of_face(clock->previous);
    int64_t ahead = face_in(leap_of(year, stamp), stamp) - clock->previous;
    if (ahead < -HALF_A_YEAR) year++;
    else if (ahead > HALF_A_YEAR)
        year -= clock->previous - face_in(leap_of(year - 1, stamp), stamp) <= LATE;
    return leap_of(year, stamp);
}

/* Note the Unix seconds of a stamp; false if no calendar has it, or it is out of range. */
INLINE bool resolve_stamp(struct mt_clock *clock, const struct stamp *stamp, int64_t *seconds) {
    if (!stamp->has_moment) {
        if (!is_valid(stamp)) return false;
        int64_t year = stamp->year == NO_YEAR ? year_of(clock, stamp) : stamp->year;
        int64_t face = face_in(year, stamp);
        *seconds = face - offset_of_face(clock, face);
    }
    if (*seconds < 0 || *seconds >= MT_END_OF_TIME) return false;
    clock->previous = *seconds + offset_at(clock, *seconds);
    clock->begins = 0;
    return true;
}

#endif

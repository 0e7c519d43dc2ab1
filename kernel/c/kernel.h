/* The interface of the kernel: what a caller hands over, and what it gets back.
 *
 * The kernel allocates nothing and keeps nothing between calls. All memory is the caller's, and each
 * pointer comes with its end or its room. Bytes of a log may be anything; structures and tables are
 * the caller's own and are trusted. src/mailtally_kernel/interface.py declares the same structures
 * for ctypes; a change to either raises MT_ABI in both.
 */
#ifndef MAILTALLY_KERNEL_H
#define MAILTALLY_KERNEL_H

#include <stdint.h>

#define MT_ABI 5

#define MT_MAX_LINE 65536   /* longest line that is read, without its line feed */
#define MT_MAX_HOSTS 65535  /* their index travels as uint16 */
#define MT_MAX_UNKNOWN 200  /* statuses beyond the known ones; later ones are "other" */
#define MT_MAX_DOMAIN 253
#define MT_MAX_SIZE ((INT64_C(1) << 53) - 1)
#define MT_END_OF_TIME INT64_C(253402214400) /* when the year 9999 ends in every zone */
#define MT_MAX_SPELLING (4 * MT_MAX_DOMAIN) /* UTF-8 takes up to four bytes per character */
#define MT_NOT_A_DOMAIN (-1)

/* Why a line is malformed: formats/engine/reasons.py, in the order of the checks. */
enum mt_reason {
    MT_GOOD = 0,
    MT_TOO_LONG,
    MT_NUL,
    MT_EMPTY,
    MT_BAD_DATE,
    MT_BAD_HOST,
    MT_BAD_TYPE,
    MT_BAD_TIMESTAMP,
    MT_BAD_FIELDS,
    MT_BAD_BYTES,
    MT_BAD_STATUS,
    MT_BAD_ATTEMPTS,
    MT_BAD_ADDRESSES,
    MT_BAD_DOMAIN,
    MT_TOO_MANY_HOSTS,
    MT_UNTERMINATED, /* set by the tailer only */
    MT_BAD_EVENT,
    MT_UNKNOWN_DELIVERY,
    MT_BAD_REPEAT,
    MT_UNKNOWN_REPEAT
};

/* mailtally_shared.schema.Service */
enum mt_service { MT_SMTP_IN = 0, MT_SMTP_OUT, MT_POP3, MT_IMAP, MT_MAILLIST };

/* Why a call returned. The caller makes room, or settles the new spellings, and makes the same call
 * again, which goes on where it stopped. */
enum mt_stop {
    MT_DONE = 0,
    MT_FULL_NAMES,   /* one of the dictionaries */
    MT_FULL_REJECTS,
    MT_FULL_ROWS,    /* rows or columns; also a sum that would exceed int64 */
    MT_NEW_SPELLING, /* a name with non-ASCII bytes, which the caller has to settle */
    MT_UNFINISHED,   /* the last byte is not a line feed; nothing was read */
    MT_FULL_QUEUE,   /* messages, recipients, deliveries, or the names of their hosts */
    MT_REFUSED       /* a program is unsound, a table or the workspace too small, a step too short */
};

/* A slot of a dictionary: one cache line. */
struct mt_slot {
    uint8_t head[32]; /* the first bytes of the name, padded with zeros */
    uint64_t digest;
    uint64_t text;    /* offset of the whole name in the dictionary's text */
    uint32_t length;
    uint32_t number;  /* index plus 1; 0 in a free slot */
    uint64_t unused;
};

/* A dictionary of names, each followed by a line feed in `text`, in the order of their index.
 * At most half of the slots are taken. */
struct mt_names {
    struct mt_slot *slots; /* zeros at first */
    uint64_t slot_count;   /* a power of two */
    uint8_t *text;
    uint64_t text_room;
    uint64_t text_used;
    uint64_t count;
    uint64_t key[4];       /* secret: names come from outside and must not choose their slots */
};

/* The names of all records so far. */
struct mt_dictionaries {
    struct mt_names hosts;
    struct mt_names statuses;
    struct mt_names domains;   /* canonical: ASCII, lower case, without a trailing dot */
    struct mt_names spellings; /* domains with other than ASCII bytes, as in the log */
    int64_t *canonical;        /* of each spelling: index of its domain, or MT_NOT_A_DOMAIN */
    uint64_t settled;          /* spellings that have a canonical one */
    uint64_t unknown_statuses;
};

/* Malformed lines: offsets into the chunk. */
struct mt_rejects {
    int64_t *start;
    int64_t *end; /* without the line feed */
    uint8_t *reason;
    uint64_t room;
    uint64_t count;
};

/* Records, one a row. The last four columns are null where addresses are not wanted. */
struct mt_columns {
    int64_t *time;
    int64_t *size;
    int64_t *attempts;
    uint8_t *service;
    uint16_t *host;
    uint8_t *status;
    uint32_t *domain;
    uint8_t *outgoing;
    uint32_t *sender;    /* offsets into the chunk */
    uint32_t *separator;
    uint32_t *recipient_end;
    uint64_t room;
    uint64_t count;
};

/* A folded row: the sums of all records with the same key. */
struct mt_row {
    int64_t messages;
    int64_t bytes;
    int64_t transferred;
    uint32_t step; /* seconds since 1970, divided by the seconds of a step */
    uint32_t domain;
    uint16_t host;
    uint8_t service;
    uint8_t status;
    uint32_t unused;
};

/* Rows in the order of their first records: those that are frequent lie together. */
struct mt_rows {
    uint64_t *slots;     /* zeros at first; upper half of a digest, and the row plus 1 */
    uint64_t slot_count; /* a power of two, at least twice the room */
    struct mt_row *rows;
    uint64_t room;
    uint64_t count;
    uint64_t key[2];
    int64_t step_seconds; /* at least MT_LEAST_STEP */
    int64_t earliest;     /* the times of all records; INT64_MAX and -1 without one */
    int64_t latest;
};
/* Rows as columns. */
struct mt_sums {
    int64_t *start; /* the first second of the step */
    int64_t *messages;
    int64_t *bytes;
    int64_t *extra; /* transferred beyond the bytes */
    uint8_t *service;
    uint16_t *host;
    uint8_t *status;
    uint32_t *domain;
    uint64_t room;
};
#define MT_LEAST_STEP 60 /* so that the number of any step fits 32 bits */

_Static_assert(sizeof(struct mt_slot) == 64, "a cache line");

/* Figures of statistics: messages, bytes, wasted bytes, bytes sent again. */
#define MT_FIGURES 4

/* What each of some records adds to sums. */
struct mt_amounts {
    const int64_t *messages; /* null: one each */
    const int64_t *bytes;
    const int64_t *wasted;
    const int64_t *again;
    uint64_t count;
};

/* Names with their sums, in the order in which they were added. */
struct mt_ranking {
    uint64_t *slots;     /* zeros at first; upper half of a digest, and the index plus 1 */
    uint64_t slot_count; /* a power of two, at least twice the room */
    uint64_t *ends;      /* of each name in `text`; it begins where the one before it ends */
    int64_t *sums;       /* MT_FIGURES of each name */
    uint64_t room;       /* names, below 2^32 - 1 */
    uint64_t count;
    uint8_t *text;
    uint64_t text_room;
    uint64_t key[4]; /* secret, as that of a dictionary */
};

/* How far a chunk is read: zeros at first; each call goes on from there. */
struct mt_progress {
    uint64_t read;  /* bytes of the chunk */
    uint64_t lines; /* records and malformed lines */
    uint64_t nuls;  /* skipped before lines: a hole in a file reads as NUL bytes */
    uint64_t passed; /* lines that are neither */
};

/* Places where a program's steps leave a number or a range of the line. */
enum mt_field {
    MT_TIME = 0,  /* number: Unix seconds */
    MT_HOST,      /* range; empty: the collector's own host */
    MT_MESSAGE,   /* number */
    MT_DELIVERY,  /* number */
    MT_SIZE,      /* number: bytes; also a range */
    MT_SENDER,    /* range: an address */
    MT_RECIPIENT, /* range: an address */
    MT_STATUS,    /* range */
    MT_WAY,       /* number: an mt_service */
    MT_MORE,      /* number: further bytes; also a range */
    MT_PROGRAM,   /* number: what the line is counted under, 0 at first; range: its name */
    MT_TIMES,     /* number: how often the line happened, 1 at first */
    MT_INNER,     /* range: the program's own */
    MT_SCRATCH,   /* this one and those after it are the compiler's */
    MT_FIELDS = 24
};

/* What a line tells of its message. A program returns one of these, or a negated mt_reason. */
enum mt_event {
    MT_PASS = 0,
    MT_FORGET, /* MESSAGE: it has ended, or a new one has its number */
    MT_LEARN,  /* MESSAGE, SIZE, SENDER */
    MT_START,  /* DELIVERY, MESSAGE, RECIPIENT, WAY */
    MT_DEFER,  /* DELIVERY */
    MT_FINISH, /* DELIVERY, STATUS */
    MT_SESSION, /* SENDER: an account, SIZE, MORE, WAY */
    MT_REPEAT,  /* TIMES: the line before, of the same host, happened as often again */
    MT_EVENTS
};

/* What a step does. One that fails takes no bytes. */
enum mt_op {
    MT_TEXT = 0,   /* take a text */
    MT_BYTES,      /* take `length` to `most` bytes of a set, as many as there are */
    MT_NUMBER,     /* take decimal digits: a number of at most `limit` */
    MT_HEX,        /* take `length` digits 0-9a-f: a number that is `bias` to `bias + limit` */
    MT_UP_TO,      /* take what is before a text, all of a set */
    MT_UP_TO_LAST, /* take what is before the last occurrence of a text */
    MT_ADDRESS,    /* take what is between `<` and its `>`: quoted, or up to `>` and `,`, ` ` or the end */
    MT_REST,       /* take all that is left */
    MT_AT_END,     /* succeed at the end of the line */
    MT_VALUE,      /* the range of a field is a number of at most `limit` */
    MT_SET,        /* `limit` is the number of a field */
    MT_BEGIN,      /* the range of a field begins here */
    MT_END,        /* ... and ends here */
    MT_BACK,       /* go back to where the range of a field begins */
    MT_RECALL,     /* take what the line before took up to MT_REMEMBER, if this one begins alike */
    MT_REMEMBER,
    MT_JUMP,       /* fail */
    MT_STAMP,      /* take a stamp: with the byte `most` between its date and time, or without a year */
    MT_OFFSET,     /* the range of a field is the offset of the stamp, or empty */
    MT_MOMENT,     /* the number of TIME is the stamp, in Unix seconds */
    MT_DATED,      /* the number of TIME becomes the moment of the stamp, by the clock */
    MT_STRUCTURED, /* take the structured data of RFC 5424 */
    MT_AFTER,      /* succeed if the byte before is of a set */
    MT_ENTER,      /* go into the range of a field, whose end is the line's meanwhile */
    MT_LEAVE,      /* ... and back, from an earlier MT_ENTER with the number of this field */
    MT_SEARCH,     /* take what is before a text; MT_RETRY continues after it */
    MT_SEARCH_LAST, /* the same from the right */
    MT_RETRY,      /* go back to the search of this field, at `otherwise`, and find the next place */
    MT_RETURN,     /* `limit` is the result */
    MT_OPS
};

struct mt_step {
    uint8_t op;
    uint8_t field;
    uint16_t otherwise; /* index of the step to go on with after a failure; a later one */
    uint32_t place;     /* of a text in the program's bytes */
    uint32_t length;    /* of a text, at least 1 */
    uint32_t set;       /* place of a set: 256 bytes, not zero for its members */
    uint32_t most;
    uint32_t unused;
    int64_t limit;
    uint64_t bias;
};

/* How a log is read. The last step returns. */
struct mt_program {
    const struct mt_step *steps;
    uint64_t count;
    const uint8_t *bytes;
    uint64_t length;
};

#define MT_NO_TIME INT64_MIN

/* The clock of a log whose stamps may lack a year or a zone. Faces are local times: seconds since 1970
 * without a zone. */
struct mt_clock {
    const int64_t *changes; /* of the zone's offset, in Unix seconds, in order */
    const int64_t *offsets; /* seconds east: before the first change, and after each */
    uint64_t count;         /* of changes */
    uint64_t period;        /* changes before the last stamp; 0 at first */
    int64_t modified;       /* Unix seconds when the file was changed last */
    int64_t first_year;     /* of the log's first stamp, or negative: by the file's change */
    int64_t previous;       /* face of the last stamp, or MT_NO_TIME */
    int64_t second_pass;    /* face at which a repeated hour begins, whose second pass has begun */
    uint64_t begins;        /* whether the next stamp is the file's first */
};

/* The last line of a host: a range of `text` of the mt_queue and then the chunk, empty if the line is
 * of no known program; `start` is negative without a line. */
struct mt_last_line {
    int64_t start;
    int64_t end;
};

/* Numbers of MT_PROGRAM below those of programs: 0 for a line without framing, and */
#define MT_OTHER_PROGRAM 1

/* What became of a program's lines. */
struct mt_outcomes {
    uint64_t counted;
    uint64_t passed;
    uint64_t malformed;
};

/* Names in the tables below are offsets into `text` of the mt_queue, and then into the chunk. Their
 * start is MT_HOST_ITSELF for the host of the line. */
#define MT_HOST_ITSELF (-1)

/* A number of a host, and the message that has it. */
struct mt_message {
    int64_t number;
    int64_t size;
    int64_t seen;     /* when there was an event of it last */
    int64_t life;     /* counts the messages that have had the number */
    int64_t name;     /* the sender's domain */
    int64_t name_end;
    uint32_t host;    /* index into the hosts */
    uint32_t known;   /* whether a message has the number now */
};

struct mt_recipient {
    int64_t life;      /* of its message */
    int64_t deferrals; /* since its last finished delivery */
    int64_t name;      /* the address */
    int64_t name_end;
    uint32_t message;  /* row */
    uint32_t way;      /* an mt_service */
};

/* A number of a host, and the delivery that has it. */
struct mt_delivery {
    int64_t number;
    uint32_t host;
    uint32_t recipient; /* row plus 1, or 0 */
};

/* Rows, and a hash index of them: a slot has a row plus 1, or 0. */
struct mt_table {
    void *rows;
    uint64_t room;  /* at most half of the slots */
    uint64_t count;
    uint32_t *slots;
    uint64_t slot_count; /* a power of two */
};

/* Messages in progress. */
struct mt_queue {
    struct mt_table messages;
    struct mt_table recipients;
    struct mt_table deliveries;
    struct mt_names hosts; /* as they are in the log; the first is the collector's own */
    const uint8_t *text;   /* names that earlier chunks left */
    uint64_t text_length;
    int64_t max_age;       /* seconds after its last event when a message is ignored */
    int64_t earliest;      /* time of an event that was read; at first the largest number */
    uint64_t key[4];
    struct mt_clock clock;
    struct mt_last_line *last_lines; /* of each host; null where repeats are not read */
    uint64_t last_lines_room;
    uint64_t repeats_left;  /* records that repeated lines may add to a chunk */
    struct mt_outcomes *outcomes; /* by the number of MT_PROGRAM */
    uint64_t programs;
};

/* Instruction sets. */
enum mt_level { MT_BASELINE = 0, MT_AVX2 = 1 };

#if defined(__GNUC__)
#define MT_EXPORT __attribute__((visibility("default")))
#endif

MT_EXPORT uint32_t mt_abi(void);
MT_EXPORT uint64_t mt_workspace_size(void);

/* The best instruction set of this processor. */
MT_EXPORT int32_t mt_best_level(void);

/* Read whole lines of `stats` into columns, or folded into rows; the other is null. The chunk is
 * start[0 … length), and its last byte is a line feed. Returns an mt_stop. `level` is at most
 * mt_best_level(). */
MT_EXPORT int32_t mt_read_stats(int32_t level, const uint8_t *start, uint64_t length,
                                struct mt_dictionaries *dictionaries, struct mt_columns *columns,
                                struct mt_rows *rows, struct mt_rejects *rejects, void *workspace,
                                uint64_t workspace_size, struct mt_progress *progress);

/* Fill the index of rows, whose slots are zeros. */
MT_EXPORT void mt_index_rows(struct mt_rows *rows);

/* Copy the rows to columns that have room, in the order of step, service, status, host and domain, so that
 * they compress well. `order` has room for twice as many numbers as the columns for rows. */
MT_EXPORT int32_t mt_take_rows(const struct mt_rows *rows, uint32_t *order,
                               const struct mt_sums *sums);

/* Whether a program is sound: its steps go on to later ones, and are within its bytes. */
MT_EXPORT int32_t mt_is_sound(const struct mt_program *program);

/* Read whole lines of a queue's log into columns, as mt_read_stats does. */
MT_EXPORT int32_t mt_read_queue(const uint8_t *start, uint64_t length,
                                const struct mt_program *program, struct mt_queue *queue,
                                struct mt_dictionaries *dictionaries, struct mt_columns *columns,
                                struct mt_rejects *rejects, struct mt_progress *progress);

/* Fill the indexes of a queue, which are zeros, from its rows. */
MT_EXPORT void mt_index_queue(struct mt_queue *queue, const uint8_t *start, uint64_t length);

/* Copy names of a queue, bounds[2 k] to bounds[2 k + 1] of its text and the chunk, one after the other.
 * Returns MT_DONE, or MT_REFUSED without room. */
MT_EXPORT int32_t mt_copy_names(struct mt_queue *queue, const uint8_t *start, uint64_t length,
                                const int64_t *bounds, uint64_t count, uint8_t *text,
                                uint64_t room);

/* Run a program over one line. Field k is numbers[k], and bounds[2 k] to bounds[2 k + 1] of the line. */
MT_EXPORT int64_t mt_match(const struct mt_program *program, const uint8_t *start, uint64_t length,
                           int64_t numbers[MT_FIELDS], int64_t bounds[2 * MT_FIELDS]);

/* Return the index of a name, which is added if it is new, or -1 if there is no room. */
MT_EXPORT int64_t mt_intern(struct mt_names *names, const uint8_t *start, uint64_t length);

/* Copy all names into an empty dictionary with more room and the same key; 0, or -1 without room. */
MT_EXPORT int32_t mt_move_names(const struct mt_names *from, struct mt_names *to);

/* Add each record to the sums of its group: sums[groups][MT_FIGURES], which stop at INT64_MAX.
 * Returns MT_DONE, or MT_REFUSED if there is no such group. */
MT_EXPORT int32_t mt_add_up(const uint32_t *group, const struct mt_amounts *amounts,
                            int64_t *sums, uint64_t groups);

/* Add each record to the sums of its name, which is text[start … end) of its row; the text is `length`
 * bytes. `done` rows are done before, and is raised. Returns MT_DONE, MT_FULL_NAMES (copy the
 * ranking into a larger one, and call again), or MT_REFUSED. */
MT_EXPORT int32_t mt_rank(struct mt_ranking *ranking, const uint8_t *text, uint64_t length,
                          const uint32_t *start, const uint32_t *end,
                          const struct mt_amounts *amounts, uint64_t *done);

/* Copy some names of a ranking with their sums into an empty one, in the given order, each once. */
MT_EXPORT int32_t mt_keep_ranked(const struct mt_ranking *from, const uint32_t *kept,
                                 uint64_t count, struct mt_ranking *to);

#endif

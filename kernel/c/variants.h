/* The same source is compiled for several instruction sets; each has its own suffix. */
#ifndef MAILTALLY_VARIANTS_H
#define MAILTALLY_VARIANTS_H

#include "kernel.h"

#define JOINED(name, suffix) mt_##name##suffix
#define WITH_SUFFIX(name, suffix) JOINED(name, suffix)
#define VARIANT(name) WITH_SUFFIX(name, MT_SUFFIX)

struct workspace;

#define DECLARE_VARIANT(suffix)                                                                  \
    enum mt_stop mt_read_stats##suffix(                                                          \
        const uint8_t *start, const uint8_t *end, struct mt_dictionaries *dictionaries,          \
        struct mt_columns *columns, struct mt_rows *rows, struct mt_rejects *rejects,            \
        struct workspace *workspace, struct mt_progress *progress)

DECLARE_VARIANT(_baseline);
DECLARE_VARIANT(_avx2);

#endif

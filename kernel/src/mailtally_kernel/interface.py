"""The structures of ``c/kernel.h`` for ctypes, field by field; ``ABI`` is raised with them."""

from __future__ import annotations

from ctypes import Structure, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from enum import IntEnum
from typing import Final

#: The interface that this package was written for; the library says which one it has.
ABI: Final = 5


class Stop(IntEnum):
    """Why a call returned: ``mt_stop``."""

    DONE = 0
    FULL_NAMES = 1
    FULL_REJECTS = 2
    FULL_ROWS = 3
    NEW_SPELLING = 4
    UNFINISHED = 5
    FULL_QUEUE = 6
    REFUSED = 7


class NamesTable(Structure):
    """``mt_names``."""

    _fields_ = (
        ("slots", c_void_p),
        ("slot_count", c_uint64),
        ("text", c_void_p),
        ("text_room", c_uint64),
        ("text_used", c_uint64),
        ("count", c_uint64),
        ("key", c_uint64 * 4),
    )


class DictionariesTable(Structure):
    """``mt_dictionaries``."""

    _fields_ = (
        ("hosts", NamesTable),
        ("statuses", NamesTable),
        ("domains", NamesTable),
        ("spellings", NamesTable),
        ("canonical", c_void_p),
        ("settled", c_uint64),
        ("unknown_statuses", c_uint64),
    )


class RejectsTable(Structure):
    """``mt_rejects``."""

    _fields_ = (
        ("start", c_void_p),
        ("end", c_void_p),
        ("reason", c_void_p),
        ("room", c_uint64),
        ("count", c_uint64),
    )


class ColumnsTable(Structure):
    """``mt_columns``."""

    _fields_ = (
        ("time", c_void_p),
        ("size", c_void_p),
        ("attempts", c_void_p),
        ("service", c_void_p),
        ("host", c_void_p),
        ("status", c_void_p),
        ("domain", c_void_p),
        ("outgoing", c_void_p),
        ("sender", c_void_p),
        ("separator", c_void_p),
        ("recipient_end", c_void_p),
        ("room", c_uint64),
        ("count", c_uint64),
    )


class RowsTable(Structure):
    """``mt_rows``."""

    _fields_ = (
        ("slots", c_void_p),
        ("slot_count", c_uint64),
        ("rows", c_void_p),
        ("room", c_uint64),
        ("count", c_uint64),
        ("key", c_uint64 * 2),
        ("step_seconds", c_int64),
        ("earliest", c_int64),
        ("latest", c_int64),
    )


class SumsTable(Structure):
    """``mt_sums``."""

    _fields_ = (
        ("start", c_void_p),
        ("messages", c_void_p),
        ("bytes", c_void_p),
        ("extra", c_void_p),
        ("service", c_void_p),
        ("host", c_void_p),
        ("status", c_void_p),
        ("domain", c_void_p),
        ("room", c_uint64),
    )


class AmountsTable(Structure):
    """``mt_amounts``."""

    _fields_ = (
        ("messages", c_void_p),
        ("bytes", c_void_p),
        ("wasted", c_void_p),
        ("again", c_void_p),
        ("count", c_uint64),
    )


class RankingTable(Structure):
    """``mt_ranking``."""

    _fields_ = (
        ("slots", c_void_p),
        ("slot_count", c_uint64),
        ("ends", c_void_p),
        ("sums", c_void_p),
        ("room", c_uint64),
        ("count", c_uint64),
        ("text", c_void_p),
        ("text_room", c_uint64),
        ("key", c_uint64 * 4),
    )


class Progress(Structure):
    """``mt_progress``."""

    _fields_ = (
        ("read", c_uint64),
        ("lines", c_uint64),
        ("nuls", c_uint64),
        ("passed", c_uint64),
    )


class Field(IntEnum):
    """``mt_field``: where the steps of a program leave what a line says."""

    TIME = 0
    HOST = 1
    MESSAGE = 2
    DELIVERY = 3
    SIZE = 4
    SENDER = 5
    RECIPIENT = 6
    STATUS = 7
    WAY = 8
    MORE = 9
    PROGRAM = 10
    TIMES = 11
    INNER = 12
    SCRATCH = 13
    END = 24


class Event(IntEnum):
    """``mt_event``: what a line tells of its message. ``docs/explanation/kernel.md`` lists them."""

    PASS = 0
    FORGET = 1
    LEARN = 2
    START = 3
    DEFER = 4
    FINISH = 5
    SESSION = 6
    REPEAT = 7


class Op(IntEnum):
    """``mt_op``: what a step does."""

    TEXT = 0
    BYTES = 1
    NUMBER = 2
    HEX = 3
    UP_TO = 4
    UP_TO_LAST = 5
    ADDRESS = 6
    REST = 7
    AT_END = 8
    VALUE = 9
    SET = 10
    BEGIN = 11
    END = 12
    BACK = 13
    RECALL = 14
    REMEMBER = 15
    JUMP = 16
    STAMP = 17
    OFFSET = 18
    MOMENT = 19
    DATED = 20
    STRUCTURED = 21
    AFTER = 22
    ENTER = 23
    LEAVE = 24
    SEARCH = 25
    SEARCH_LAST = 26
    RETRY = 27
    RETURN = 28


class Step(Structure):
    """``mt_step``."""

    _fields_ = (
        ("op", c_uint8),
        ("field", c_uint8),
        ("otherwise", c_uint16),
        ("place", c_uint32),
        ("length", c_uint32),
        ("set", c_uint32),
        ("most", c_uint32),
        ("unused", c_uint32),
        ("limit", c_int64),
        ("bias", c_uint64),
    )


class ProgramTable(Structure):
    """``mt_program``."""

    _fields_ = (
        ("steps", c_void_p),
        ("count", c_uint64),
        ("bytes", c_void_p),
        ("length", c_uint64),
    )


class Table(Structure):
    """``mt_table``."""

    _fields_ = (
        ("rows", c_void_p),
        ("room", c_uint64),
        ("count", c_uint64),
        ("slots", c_void_p),
        ("slot_count", c_uint64),
    )


class ClockTable(Structure):
    """``mt_clock``."""

    _fields_ = (
        ("changes", c_void_p),
        ("offsets", c_void_p),
        ("count", c_uint64),
        ("period", c_uint64),
        ("modified", c_int64),
        ("first_year", c_int64),
        ("previous", c_int64),
        ("second_pass", c_int64),
        ("begins", c_uint64),
    )


class QueueTable(Structure):
    """``mt_queue``."""

    _fields_ = (
        ("messages", Table),
        ("recipients", Table),
        ("deliveries", Table),
        ("hosts", NamesTable),
        ("text", c_void_p),
        ("text_length", c_uint64),
        ("max_age", c_int64),
        ("earliest", c_int64),
        ("key", c_uint64 * 4),
        ("clock", ClockTable),
        ("last_lines", c_void_p),
        ("last_lines_room", c_uint64),
        ("repeats_left", c_uint64),
        ("outcomes", c_void_p),
        ("programs", c_uint64),
    )

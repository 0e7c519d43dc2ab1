"""Crash points: the places where a fault test may kill a collector, and what is lost there."""

from enum import StrEnum

from mailtally_shared.runtime.crash_points import declare


class CrashAt(StrEnum):
    """Points between two lasting effects; a crash at any of them may lose or double nothing."""

    INTENT_NOTED = "collector-intent-noted"  # in the state directory, not in the cluster
    REGISTERED = "collector-registered"  # in the cluster, not in the state directory
    STARTED_OVER = "collector-started-over"  # a fresh identity that is not registered
    INHERITED = (
        "collector-inherited"  # the predecessor's positions are taken over, the start is not noted
    )
    START_NOTED = "collector-start-noted"  # in both; nothing is read
    READ = "collector-read"  # lines in memory only
    REJECTS_KEPT = "collector-rejects-kept"  # in the reject file, not in the checkpoint
    SPOOLED = "collector-spooled"  # the batch is on disk, not sent
    PAYLOAD_STORED = "collector-payload-stored"  # in Redis, not announced
    ANNOUNCED = "collector-announced"  # sent, not known to be applied
    APPLIED_NOTED = "collector-applied-noted"  # the spool knows that it is applied
    LOST_NOTED = "collector-lost-noted"  # the ledger skips the lost batches; the spool continues
    ROTATION_NOTED = "collector-rotation-noted"  # a log is due; it still has its old name
    LOG_RENAMED = "collector-log-renamed"  # its writer still writes to the renamed file
    WRITER_REOPENED = "collector-writer-reopened"  # the reopen command ran; noted as not run
    LOG_PACKED = "collector-log-packed"  # compressed; the plain file still exists


declare(CrashAt)

"""The places where a fault test may kill a collector, and what that costs."""

from enum import StrEnum

from mailtally_shared.process.crash_points import declare


class CrashAt(StrEnum):
    """Between two lasting effects; nothing may be lost or doubled at any of them."""

    INTENT_NOTED = "collector-intent-noted"  # in the state directory, not known to the cluster
    REGISTERED = "collector-registered"  # known to the cluster, not to the state directory
    STARTED_OVER = "collector-started-over"  # a fresh identity that is not registered
    INHERITED = "collector-inherited"  # the predecessor's positions, before the start is noted
    START_NOTED = "collector-start-noted"  # known to both; nothing is read
    READ = "collector-read"  # lines in memory only
    REJECTS_KEPT = "collector-rejects-kept"  # in the reject file, not in the checkpoint
    SPOOLED = "collector-spooled"  # the batch is on disk, not sent
    PAYLOAD_STORED = "collector-payload-stored"  # in the state, not announced
    ANNOUNCED = "collector-announced"  # sent; not known to be applied
    APPLIED_NOTED = "collector-applied-noted"  # the spool knows that it is applied
    LOST_NOTED = "collector-lost-noted"  # the state passes what is lost; the spool goes on
    ROTATION_NOTED = "collector-rotation-noted"  # a log is due; it has its old name still
    LOG_RENAMED = "collector-log-renamed"  # its writer writes on into the renamed file
    WRITER_TOLD = "collector-writer-told"  # noted as not yet told
    LOG_PACKED = "collector-log-packed"  # compressed; the plain file is there as well


declare(CrashAt)

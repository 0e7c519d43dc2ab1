"""Safeguards of the product, and how each is put out of action for a test of the tests."""

from __future__ import annotations

from dataclasses import dataclass

_LEDGER = "services/aggregator/src/mailtally_aggregator/ledger.lua"
_COMMIT = "services/aggregator/src/mailtally_aggregator/commit.lua"
_SUMS = "services/aggregator/src/mailtally_aggregator/sums.lua"
_WRITER = "services/aggregator/src/mailtally_aggregator/writer_steps.lua"
_DAY_WRITER = "services/aggregator/src/mailtally_aggregator/day_writer.py"
_INTAKE = "services/aggregator/src/mailtally_aggregator/intake.py"
_SNAPSHOT = "services/aggregator/src/mailtally_aggregator/snapshot.py"
_CLAIM = "services/collector/src/mailtally_collector/claim.py"
_COLLECTOR_LEDGER = "services/collector/src/mailtally_collector/ledger.py"
_STATE_DB = "services/collector/src/mailtally_collector/state_db.py"
_SPOOL = "services/collector/src/mailtally_collector/spool.py"
_SHIP = "services/collector/src/mailtally_collector/ship.py"
_PLACING = "shared/src/mailtally_shared/day_files/placing.py"
_DURABLE = "shared/src/mailtally_shared/day_files/durable.py"
_TLS = "shared/src/mailtally_shared/process/tls.py"
_PLACEHOLDERS = "shared/src/mailtally_shared/process/settings/placeholders.py"
_JUDGE = "services/loader/src/mailtally_loader/judge.py"

_COMMIT_TESTS = ("tests/contract/test_commit.py", "tests/models/test_ledger_model.py")
_SPOOL_TESTS = (
    "tests/unit/test_spool.py",
    "tests/unit/test_spool_gap.py",
    "tests/models/test_spool_model.py",
)
_PLACING_TESTS = ("tests/unit/test_manifest_day_set.py", "tests/unit/test_durable.py")
_WRITER_TESTS = ("tests/contract/test_day_writer.py",)


@dataclass(frozen=True)
class Mutant:
    """One safeguard taken away: ``old`` (once in the file) becomes ``new``; ``tests`` must fail."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "the ledger lets known batches pass",
        _LEDGER,
        "if batch.seq <= hwm or redis.call('HEXISTS', batch.ahead, batch.seq) == 1 then",
        "if false then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "the ledger forgets what is beyond a gap",
        _LEDGER,
        "if batch.seq <= hwm or redis.call('HEXISTS', batch.ahead, batch.seq) == 1 then",
        "if batch.seq <= hwm then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "nobody is fenced",
        _LEDGER,
        "if owner[1] ~= batch.id or owner[2] ~= batch.epoch then",
        "if false then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "a copied state directory is not fenced: epochs are not compared",
        _LEDGER,
        "if owner[1] ~= batch.id or owner[2] ~= batch.epoch then",
        "if owner[1] ~= batch.id then",
        ("tests/contract/test_fence.py",),
    ),
    Mutant(
        "a collector that was taken over registers again",
        _CLAIM,
        "    if epoch == 0 or epoch > owner.epoch:",
        "    if True:",
        ("tests/contract/test_registration.py",),
    ),
    Mutant(
        "a successor inherits nothing",
        _COLLECTOR_LEDGER,
        "        if mine.predecessor:",
        "        if False:",
        ("tests/contract/test_registration.py", "tests/models/test_ledger_model.py"),
    ),
    Mutant(
        "sums overflow",
        _COMMIT,
        "  return not (fits(sums[1]",
        "  return false and not (fits(sums[1]",
        _COMMIT_TESTS,
    ),
    Mutant(
        "sums beyond 2^53 are rounded",
        _SUMS,
        "  if a + b + c < EXACT then",
        "  if true then",
        ("tests/contract/test_sums_script.py",),
    ),
    Mutant(
        "a new status of a known name is forgotten",
        _SUMS,
        "  if new > 0 then",
        "  if false then",
        ("tests/contract/test_sums_script.py",),
    ),
    Mutant(
        "closed days are counted into",
        _COMMIT,
        "  if closed ~= request.closed_before then",
        "  if false then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "an emptied state is counted into",
        _COMMIT,
        "  if redis.call('GET', request.format) == false then",
        "  if false then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "a damaged payload is counted",
        _INTAKE,
        "    if checksum(payload) != header.checksum:",
        "    if False:",
        ("tests/contract/test_intake.py",),
    ),
    Mutant(
        "a batch and its positions are not one transaction",
        _STATE_DB,
        'self._connection.execute("BEGIN IMMEDIATE")',
        "self._connection.commit()",
        _SPOOL_TESTS,
    ),
    Mutant(
        "the spool is not synced",
        _STATE_DB,
        "{'FULL' if durable else 'NORMAL'}",
        "OFF",
        ("tests/unit/test_durable.py",),
    ),
    Mutant(
        "applied batches beyond a gap are pruned",
        _SPOOL,
        '"FROM batches WHERE applied IS NOT NULL AND seq <= ?) ',
        '"FROM batches WHERE applied IS NOT NULL AND ? IS NOT NULL) ',
        _SPOOL_TESTS,
    ),
    Mutant(
        "batches are pruned unapplied",
        _SPOOL,
        '"FROM batches WHERE applied IS NOT NULL AND seq <= ?) ',
        '"FROM batches WHERE ? IS NOT NULL) ',
        _SPOOL_TESTS,
    ),
    Mutant(
        "a ledger that went back is not noticed",
        _SHIP,
        "if self._noted is None or not applied.covers(self._noted):",
        "if self._noted is None:",
        _SPOOL_TESTS,
    ),
    Mutant(
        "batches that are gone are not noticed",
        _SPOOL,
        "return len(back), len(lost - kept.keys())",
        "return len(back), 0",
        _SPOOL_TESTS,
    ),
    Mutant(
        "a writer without the lease goes on",
        _WRITER,
        "if request.step ~= 'lease' and redis.call('GET', request.lease) ~= request.token then",
        "if false then",
        _WRITER_TESTS,
    ),
    Mutant(
        "an older revision replaces a newer one",
        _PLACING,
        "if newest_revision(directory, facts.day) >= facts.revision:",
        "if False:",
        _PLACING_TESTS,
    ),
    Mutant(
        "totals that do not add up are written",
        _DAY_WRITER,
        "    if (messages, sizes, transferred) != (totals.messages,",
        "    if False and (messages, sizes, transferred) != (totals.messages,",
        _WRITER_TESTS,
    ),
    Mutant(
        "the qml file is not put in place last",
        _PLACING,
        "    for file in staged[:-1]:\n        file.commit()\n    sync_directory(directory)\n"
        "    staged[-1].commit()",
        "    staged[-1].commit()\n    sync_directory(directory)\n"
        "    for file in staged[:-1]:\n        file.commit()",
        _PLACING_TESTS,
    ),
    Mutant(
        "an older qml file stays beside a newer breakdown",
        _PLACING,
        "        (directory / names.qml).unlink()\n",
        "",
        _PLACING_TESTS,
    ),
    Mutant(
        "files are named before their bytes are on disk",
        _DURABLE,
        "        os.fsync(descriptor)\n    return Staged",
        "    return Staged",
        _PLACING_TESTS,
    ),
    Mutant(
        "the names of files are not on disk",
        _DURABLE,
        "    try:\n        os.fsync(descriptor)",
        "    try:\n        os.fstat(descriptor)",
        _PLACING_TESTS,
    ),
    Mutant(
        "a damaged snapshot refills the state",
        _SNAPSHOT,
        "or hashlib.sha256(frame).digest() != digest:",
        "or False:",
        ("tests/contract/test_snapshot.py",),
    ),
    Mutant(
        "a day is loaded although a newer revision was",
        _JUDGE,
        "    if manifest.revision > newest.revision:",
        "    if True:",
        ("tests/integration/test_loader.py",),
    ),
    Mutant(
        "an announcement names any key",
        _INTAKE,
        "        if message.payload_key != own:",
        "        if False:",
        ("tests/contract/test_forged.py",),
    ),
    Mutant(
        "a spoilt ledger stops a commit half-way",
        _LEDGER,
        "    redis.pcall('HINCRBY', ledger, name, count)",
        "    redis.call('HINCRBY', ledger, name, count)",
        ("tests/contract/test_forged.py",),
    ),
    Mutant(
        "forged times open days without end",
        _COMMIT,
        "    if redis.call('ZCARD', days_key) + count > request.max_days then",
        "    if false then",
        _COMMIT_TESTS,
    ),
    Mutant(
        "TLS is taken with anybody who is asked not to be checked",
        _TLS,
        "        _refuse_unchecked(url)",
        "        pass",
        ("tests/unit/test_tls.py",),
    ),
    Mutant(
        "TLS is taken with anybody where nothing is said",
        _TLS,
        "**_given(url), **_CHECKED})",
        "**_given(url)})",
        ("tests/unit/test_tls.py",),
    ),
    Mutant(
        "passwords of examples are taken",
        _PLACEHOLDERS,
        "    return any(",
        "    return False and any(",
        ("tests/unit/test_placeholders.py",),
    ),
)

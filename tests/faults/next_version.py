"""A made-up next version: the present one, with each format that may change one number higher.

It differs as ``docs/decisions/upgrades.md`` allows: it reads what the present version writes, and
writes announcements, payloads, manifests, snapshots and tables that the present one has never
seen, with fields and keys in the state that the present one does not know. What it counts must
come to the same.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mailtally_aggregator.__main__
import mailtally_collector.__main__
import mailtally_loader.__main__
from mailtally_aggregator.intake import gathering
from mailtally_collector.ship import publish
from mailtally_shared.billing import upgrade
from mailtally_shared.billing.tables import SCHEMA
from mailtally_shared.days import manifest
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.state.commit import request
from mailtally_shared.state.keys import host_mark
from mailtally_shared.state.snapshot import stored
from mailtally_shared.versions import stated_number
from mailtally_shared.wire import announcement
from mailtally_shared.wire import payload as payload_format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailtally_shared.days.manifest import Manifest
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat

#: A field, and a key of the state, that the present version does not know.
NEW_FIELD, NEW_KEY = "colour", "{mailtally}:colour:"
ANNOUNCEMENT, MANIFEST = announcement.VERSION + 1, manifest.FORMAT + 1
PAYLOAD, SNAPSHOT = b"MTP3", b"MTS3"
#: A table of the next version.
TABLE = "mail_traffic_colour"
_MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{SCHEMA}"


def upgrade() -> None:
    op.create_table("{TABLE}", sa.Column("domain", sa.String(253), primary_key=True))
"""


def next_rights(acl_line: str) -> str:
    """Return a user's line of the ACL file as the next version's ``make-acl`` writes it."""
    name = acl_line.split()[1]
    if not name.startswith("collector-"):
        return acl_line
    mark = host_mark(name.removeprefix("collector-"))
    return f"{acl_line} (%W~{NEW_KEY}{mark}* +set)"


def _write_newer_announcements() -> None:
    present = announcement._Message.to_bytes  # noqa: SLF001 - that is what the next version changes

    def to_bytes(self: BatchHeader | Heartbeat) -> bytes:
        newer = {"version": ANNOUNCEMENT, NEW_FIELD: "blue"}
        return json.dumps(json.loads(present(self)) | newer).encode()

    setattr(announcement._Message, "to_bytes", to_bytes)  # noqa: B010, SLF001 - typed otherwise


def _read_both_announcements() -> None:
    present = announcement.parse_announcement

    def parse(body: bytes) -> BatchHeader | Heartbeat:
        if stated_number(body, "version") != ANNOUNCEMENT:
            return present(body)
        fields = json.loads(body)
        fields.pop(NEW_FIELD)
        return present(json.dumps(fields | {"version": ANNOUNCEMENT - 1}).encode())

    vars(gathering)["parse_announcement"] = parse


def _read_both_payloads() -> None:
    present = payload_format._decompress  # noqa: SLF001 - it looks at the version

    def decompress(payload: bytes, max_raw: int) -> bytes:
        newer = payload.startswith(PAYLOAD)
        return present(payload_format.MAGIC + payload[4:] if newer else payload, max_raw)

    payload_format._decompress = decompress  # noqa: SLF001 - it reads both


def _write_newer_manifests() -> None:
    present = manifest.render

    def render(manifest: Manifest) -> bytes:
        newer = {"format": MANIFEST, NEW_FIELD: "blue"}
        return json.dumps(json.loads(present(manifest)) | newer).encode()

    manifest.render = render


def _read_both_manifests() -> None:
    present = manifest.parse

    def parse(data: bytes, path: str) -> Manifest:
        if stated_number(data, "format") == MANIFEST:
            fields = json.loads(data)
            fields.pop(NEW_FIELD)
            data = json.dumps(fields | {"format": MANIFEST - 1}).encode()
        return present(data, path)

    manifest.parse = parse


def _write_more_into_the_state() -> None:
    present = request.ledger_entry

    def ledger_entry(*given: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - as the present one
        entry = present(*given, **options)
        return entry | {"counts": {**entry["counts"], NEW_FIELD: "1"}}

    request.ledger_entry = ledger_entry


def _write_more_from_collectors() -> None:
    present = publish.Publisher.batches

    def more(publisher: publish.Publisher, batches: Sequence[tuple[bytes, str, bytes]]) -> None:
        with unavailable_errors():
            for _, key, _ in batches:
                publisher._state.set(NEW_KEY + key.split(":")[2], "blue")  # noqa: SLF001 - its own
        present(publisher, batches)

    setattr(publish.Publisher, "batches", more)  # noqa: B010 - typed otherwise


def _add_a_table() -> None:
    directory = Path(tempfile.mkdtemp(prefix="mailtally-next-")) / "migrations"
    shutil.copytree(upgrade.MIGRATIONS, directory)
    (directory / "versions/v9001_colour.py").write_text(_MIGRATION)
    upgrade.MIGRATIONS = directory


def _run(main: Callable[..., Any], *changes: Callable[[], None]) -> Callable[..., Any]:
    def run(**options: Any) -> Any:  # noqa: ANN401 - click's
        for change in changes:
            change()
        return main(**options)

    return run


def _newer_payloads() -> None:
    payload_format.MAGIC = PAYLOAD


def _newer_snapshots() -> None:
    stored._MAGIC = SNAPSHOT  # noqa: SLF001 - changed


#: The programs of the next version, by the service's name.
COMMANDS = {
    "next-collector": _run(
        mailtally_collector.__main__.main,
        _write_newer_announcements,
        _newer_payloads,
        _write_more_from_collectors,
    ),
    "next-aggregator": _run(
        mailtally_aggregator.__main__.main,
        _read_both_announcements,
        _read_both_payloads,
        _read_both_manifests,
        _write_newer_manifests,
        _write_more_into_the_state,
        _newer_snapshots,
    ),
    "next-loader": _run(mailtally_loader.__main__.main, _read_both_manifests, _add_a_table),
}

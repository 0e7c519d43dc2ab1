"""A dimension is declared once: a copy of the product gets one, and a log line is followed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally.local.embedded_redis import EmbeddedRedis

ROOT = Path(__file__).parents[2]
#: What the how-to says, step by step: a file, a text in it, and what it becomes.
STEPS = (
    # Declare it.
    (
        "schema.py",
        "    collector: Annotated[str, Dimension(255, is_of_place=True)]\n",
        (
            "    collector: Annotated[str, Dimension(255, is_of_place=True)]\n"
            "    site: Annotated[str, Dimension(64, is_of_place=True)]\n"
        ),
    ),
    # Say where its names come from.
    (
        "state/commit/batch.py",
        '    return {"collector": header.host}\n',
        '    return {"collector": header.host, "site": f"site-of-{header.host}"}\n',
    ),
    # Give the table its column.
    (
        "billing/migrations/versions/v0001_tables.py",
        '        sa.Column("host", ascii_text(255)),\n',
        '        sa.Column("site", ascii_text(64)),\n        sa.Column("host", ascii_text(255)),\n',
    ),
    (
        "billing/migrations/versions/v0001_tables.py",
        '"collector", "host",',
        '"collector", "site", "host",',
    ),
)


def test_a_dimension_that_is_added_to_the_declaration_comes_through_to_the_report(
    empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    copy = tmp_path / "src" / "mailtally_shared"
    shutil.copytree(ROOT / "shared/src/mailtally_shared", copy)
    for name, old, new in STEPS:
        text = (copy / name).read_text("utf-8")
        assert text.count(old) == 1, name
        (copy / name).write_text(text.replace(old, new), "utf-8")
    (tmp_path / "data").mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.support.new_dimension"),
            *(empty_redis.state_url, str(tmp_path / "data")),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    breakdown, reported = done.stdout.splitlines()[:2], done.stdout.splitlines()[2:]
    key = "example.com,mail1,site-of-mail1,mail.example.net,smtp-in,success"
    assert breakdown == [
        "domain,collector,site,host,service,status,messages,bytes,transferred",
        f"{key},1,10,10",
    ]
    assert reported[0].startswith("domain,collector,site,host,service,status,")
    assert reported[1].startswith(f"{key},1,10,10")

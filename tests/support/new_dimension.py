"""``python -m tests.support.new_dimension STATE_URL DIRECTORY``: one log line, to the report.

Run with a copy of ``mailtally_shared`` first on the path, to whose declaration a dimension was
added: parsed, merged, committed, written, loaded, reported, by the services' own code.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner

from mailtally.commands.report import report
from mailtally_collector.formats import StatsParser
from mailtally_shared.rows import Rows
from mailtally_shared.schema import KEY
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from tests.support.cluster import log_line
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON

DAY = 86_400


def main() -> None:
    """Follow the line, and print the breakdown and the report by all dimensions."""
    state_url, directory = sys.argv[1], Path(sys.argv[2])
    found = StatsParser().parse(memoryview(log_line(NOON, "b@example.com", 10)))
    with connect_state(state_url, 5) as state:
        rows = Rows.of(found.columns)
        site = HandDrivenSite(state, directory, f"sqlite:///{directory}/mailtally.sqlite")
        header = site.collector.batch_of(rows, watermark=NOON + DAY)
        committer = Committer(state, site.keys, site.calendar)
        assert committer.apply([Batch(header, rows)], [], NOON).applied
        site.write(NOON + DAY)
        (breakdown,) = site.statistic_dir.glob("*.qml.csv")
        sys.stdout.write(breakdown.read_text("ascii"))
        site.load(NOON + DAY)
    environment = {
        "MAILTALLY_STATE_URL": state_url,
        "MAILTALLY_DATABASE_URL": site.database_url,
        "MAILTALLY_DATA_DIR": str(directory),
    }
    asked = ["--no-live", "--format", "csv", "--by", ",".join(KEY)]
    done = CliRunner().invoke(report, asked, env=environment)
    sys.stdout.write(done.output)
    raise SystemExit(done.exit_code)


if __name__ == "__main__":
    main()

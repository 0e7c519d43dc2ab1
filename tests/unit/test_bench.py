"""The benchmark's own arithmetic: a wrong table would be believed."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from benchmarks.answer import heard, spelled
from benchmarks.comparing import report
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.figures import figures
from benchmarks.logs import Logs, make_logs
from benchmarks.running import Run, WrongAnswerError, run
from benchmarks.stopwatch import Cost, costs_table, medians
from benchmarks.table import aligned

#: Those that need no servers.
ALONE = [one for one in CONTENDERS if one.name not in {"pipeline", "running"}]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Small logs of all hosts."""
    return make_logs(tmp_path_factory.mktemp("bench") / "logs", lines=3001, domains=7)


def ran(seconds: float, cpu: float = 1.0, peak: int = 1) -> Run:
    return Run(seconds=seconds, started=0.0, cpu=cpu, peak=peak)


def says(program: str) -> Contender:
    return Contender("one", "One", (sys.executable, "-c", program))


@pytest.mark.parametrize("contender", ALONE, ids=lambda one: one.name)
def test_each_contender_counts_rightly(contender: Contender, logs: Logs) -> None:
    if contender.missing:
        pytest.skip(f"{contender.missing} is not installed")
    measured = run(contender, logs)
    assert measured.seconds > 0
    assert measured.extra.get("records", logs.lines) == logs.lines


def test_the_logs_hold_what_was_asked_for(logs: Logs) -> None:
    written = b"".join(path.read_bytes() for path in logs.paths)
    assert written.count(b"\n") == logs.lines
    assert len(written) == logs.size
    assert sum(int(line.split("|")[2]) for line in logs.expected_sums()) == logs.lines


def test_a_wrong_answer_ends_the_comparison(logs: Logs) -> None:
    with pytest.raises(WrongAnswerError, match="counted wrongly"):
        run(says("print('20500|example.com|1|69')"), logs)


def test_a_failure_is_told_with_its_reason(logs: Logs) -> None:
    with pytest.raises(WrongAnswerError, match="no such thing"):
        run(says("raise SystemExit('no such thing')"), logs)


def test_what_a_contender_says_of_itself_wins_over_what_is_seen(logs: Logs) -> None:
    measured = run(
        replace(says("""print('# {"seconds": 0.001, "batches": 3}')"""), sums=False), logs
    )
    assert measured.seconds == 0.001
    assert measured.started > 0
    assert measured.extra == {"batches": 3}


def test_an_answer_is_heard_as_it_was_told() -> None:
    told = spelled([(20500, "example.com", 2, 138), (20501, "example.net", 1, 0)])
    answer = heard(f'{told}# {{"seconds": 2}}\n')
    assert answer.sums == {"20500|example.com|2|138", "20501|example.net|1|0"}
    assert answer.figures == {"seconds": 2}


def test_figures_are_medians_with_spread_and_ratios() -> None:
    runs = {"mawk": [ran(4.0), ran(2.0), ran(4.0)], "ours": [ran(1.0, cpu=3.0, peak=7), ran(1.0)]}
    mawk, ours = figures(runs, {"mawk": "mawk", "ours": "ours"}, lines=2_000_000)
    assert mawk.rate == 500_000
    assert mawk.spread == 1.0
    assert ours.ratios == {"mawk": 4.0}
    assert ours.cpu == 1.0  # median of 3 and 1 seconds, for two million records
    assert ours.peak == 7


def test_what_is_not_installed_is_said_to_be_missing() -> None:
    absent = Contender("none", "None such", ("mailtally-no-such-program",))
    assert absent.missing == "mailtally-no-such-program"
    assert "None such: not measured, mailtally-no-such-program is not installed" in report(
        [], [absent]
    )


def test_a_table_is_aligned() -> None:
    assert aligned([("", "n"), ("ab", "1"), ("c", "234")]) == "      n\nab    1\nc   234"


def test_the_cost_of_stages_is_the_median_of_each_figure() -> None:
    runs = [{"parse": Cost(wall, 3.0, 1.0)} for wall in (1.0, 9.0, 2.0)]
    assert medians(runs) == {"parse": Cost(2.0, 3.0, 1.0)}


def test_the_cost_of_stages_is_shown_in_nanoseconds_a_record() -> None:
    text = costs_table({"parse": Cost(4.0, 2.0, 1.0), "merge": Cost(1.0, 1.0)}, lines=10**9)
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["parse", "4", "3", "1", "75%"],
        ["merge", "1", "1", "0", "25%"],
        ["all", "5", "4", "1", "100%"],
    ]

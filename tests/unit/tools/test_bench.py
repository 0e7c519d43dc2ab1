"""The benchmark's own arithmetic: a wrong table would be believed."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import missing
from tools.benchmarks.figures import figures
from tools.benchmarks.logs import LAYOUTS, Logs, make_logs, repeated
from tools.benchmarks.peers.answer import heard, spelled
from tools.benchmarks.peers.comparing import report
from tools.benchmarks.peers.contenders import CONTENDERS, Contender, Share
from tools.benchmarks.peers.dialects import DIALECTS, rendered
from tools.benchmarks.peers.running import Run, WrongAnswerError, run
from tools.benchmarks.peers.slopes import slopes
from tools.benchmarks.pipeline.stopwatch import Cost, costs_table, medians
from tools.benchmarks.table import aligned
from tools.benchmarks.targets import TARGETS, Target, Verdict, judged, verdicts_table
from tools.benchmarks.usage import peak_so_far, usage_of

#: Those that need no servers.
ALONE = [one for one in CONTENDERS if one.name not in {"pipeline", "running"}]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """Small logs of all hosts."""
    return make_logs(tmp_path_factory.mktemp("bench") / "logs", lines=3001, domains=7)


def ran(seconds: float, cpu: float = 1.0, peak: int = 1) -> Run:
    return Run(records=2_000_000, seconds=seconds, started=0.0, cpu=cpu, peak=peak)


def says(program: str) -> Contender:
    return Contender("one", "One", (sys.executable, "-c", program))


@pytest.mark.parametrize("contender", ALONE, ids=lambda one: one.name)
def test_each_contender_counts_rightly(contender: Contender, logs: Logs) -> None:
    if contender.missing:
        missing(contender.missing, "it is not installed")
    measured = run(contender, logs)
    assert measured.seconds > 0
    assert measured.extra.get("records", logs.lines) == logs.lines
    assert measured.records == logs.lines - (contender.share is not None)  # as many a host


def test_the_logs_hold_what_was_asked_for(logs: Logs) -> None:
    written = b"".join(path.read_bytes() for path in logs.paths)
    assert written.count(b"\n") == logs.lines
    assert len(written) == logs.size
    assert sum(int(line.split("|")[2]) for line in logs.expected_sums()) == logs.lines


def test_a_longer_log_is_the_same_lines_again_and_its_sums_are_known(logs: Logs) -> None:
    longer = repeated(logs, 3)
    assert longer.lines == 3 * logs.lines
    for path, original in zip(longer.paths, logs.paths, strict=True):
        assert path.read_bytes() == 3 * original.read_bytes()
    plain = next(one for one in CONTENDERS if one.name == "python")
    assert run(plain, longer).records == longer.lines


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
    mawk, ours = figures(runs, {"mawk": "mawk", "ours": "ours"}, ["mawk"])
    assert mawk.rate == 500_000
    assert mawk.spread == 1.0
    assert ours.ratios == {"mawk": 4.0}
    assert ours.cpu == 1.0  # median of 3 and 1 seconds, for two million records
    assert ours.peak == 7


def test_a_slope_is_what_further_lines_cost() -> None:
    def of(records: int, seconds: float, cpu: float) -> Run:
        return Run(records=records, seconds=seconds, started=0.5, cpu=cpu, peak=1)

    def pair(seconds: float) -> tuple[Run, Run]:
        return of(1_000_000, 1.0, 2.0), of(4_000_000, 1.0 + seconds, 3.5)

    runs = {"polars": [pair(2.0), pair(1.0)], "ours": [pair(1.0), pair(2.0)]}
    polars, ours = slopes(runs, {"polars": "Polars", "ours": "Ours"})
    assert (polars.ratio, polars.rate, polars.rounds) == (1.0, 2_250_000, 2)
    assert ours.ratio == pytest.approx(1.25)  # twice as fast in one round, half in the other
    assert ours.ratio_spread == pytest.approx(1.2)
    assert (ours.cpu, ours.cpu_short) == (0.5, 2.0)
    (alone,) = slopes({"ours": [pair(1.0)]}, {"ours": "Ours"})
    assert (alone.rate, alone.ratio) == (3_000_000, 0.0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_data_set_has_logs_of_its_own(tmp_path: Path, layout: str) -> None:
    logs = make_logs(tmp_path / layout, lines=100, domains=7, layout=layout)
    written = [path.read_bytes() for path in logs.paths]
    assert len(set(written)) == len(LAYOUTS[layout])
    assert {text.split()[3].decode() for text in written} == set(LAYOUTS[layout].values())
    assert repeated(logs, 2).paths[-1].read_bytes() == 2 * written[-1]


def test_what_is_not_installed_is_said_to_be_missing() -> None:
    absent = Contender("none", "None such", ("mailtally-no-such-program",))
    assert absent.missing == "mailtally-no-such-program"
    text = report([], {absent.title: absent.missing})
    assert "None such: not measured, mailtally-no-such-program is not installed" in text


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


@pytest.mark.parametrize(("dialect", "lines"), [("stats", 1), ("postfix", 6), ("awstats", 1)])
def test_a_slow_peer_gets_the_first_deliveries_of_each_host_in_order(
    dialect: str, lines: int, logs: Logs
) -> None:
    path = rendered(logs, dialect, most=30)
    assert path.read_bytes().count(b"\n") == 30 * lines
    assert dialect in DIALECTS
    share = replace(says("import sys; assert len(sys.argv) == 2"), share=Share(dialect, 31))
    assert run(replace(share, sums=False), logs).records == 30


def test_a_target_is_met_or_missed_by_so_much() -> None:
    least = Target("rate", "≥", 2.0, "{:.1f} times", "peers", dict.__len__)
    most = Target("memory", "≤", 100, "{:.0f} MB", "memory", dict.__len__)
    stated = Target("share", "", None, "{:.0f}", "peers", dict.__len__)
    assert [Verdict(least, found).said for found in (2.0, 1.5, None)] == [
        "met",
        "missed by 25%",
        "not measured",
    ]
    assert [Verdict(most, found).said for found in (100.0, 150.0, 900.0)] == [
        "met",
        "missed by 50%",
        "missed, 9.0 times",
    ]
    assert Verdict(stated, 3.0).said == "stated"
    text = verdicts_table([Verdict(least, 1.5, 0.25), Verdict(stated, 3.0), Verdict(most, None)])
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["rate", "≥", "2.0", "times", "1.5", "times", "25%", "missed", "by", "25%"],
        ["share", "3", "stated"],
        ["memory", "≤", "100", "MB", "not", "measured"],
    ]


def test_every_target_finds_its_figure_in_what_its_part_keeps() -> None:
    contenders = [
        {"name": name, "ratios": {"polars": 2.0, "mawk": 3.0, "goaccess": 4.0, "wc": 0.1}}
        | {"extra": {"wire_bytes_per_record": 4.5}}
        | {"spread": 0.1, "rate": 2e7, "cpu": 0.2}
        for name in ("running", "fold")
    ]
    sloping = [
        {"name": name, "ratio": 2.0, "ratio_spread": 0.1, "cpu": 0.2}
        | {"extra": {"wire_bytes_per_record": 1.5}}
        for name in ("running", "analyze", "once")
    ]
    services = {"redis": {"cores": 0.001, "written_bytes_s": 5}}
    costs = {"1": {"cpu_s_per_million": 1.0}, "1000000": {"cpu_s_per_million": 0.8}}
    parts: dict[str, dict[str, Any]] = {
        "peers": {"contenders": contenders},
        "slopes": {"cluster": sloping, "machine": sloping},
        "collector": dict.fromkeys(("installed_mb", "busy_mb", "ready_s"), 1.0),
        "freshness": {"p99_s": 0.2, "cores": {"redis": 0.1, "collector": 0.1}},
        "idle": {"services": services},
        "memory": dict.fromkeys(("collector_bytes", "aggregator_bytes", "loader_bytes"), 1e6),
        "day": {"ratios": {"written": 1.0, "PostgreSQL": 1.0, "SQLite": 1.0}},
        "growth": {"by_lines": costs, "by_domains": costs}
        | {"by_aggregators": {"1": {"rate": 1.0}, "2": {"rate": 1.5}}},
        "hours": {"live": {key: {"redis": 1.0, "memory": 1.0} for key in ("off", "on")}},
        "starting": {"seconds": dict.fromkeys(("--help", "report", "doctor", "up --once"), 0.1)},
    }
    verdicts = judged(parts)
    assert [one.target.what for one in verdicts if one.measured is None] == []
    by_name = {one.target.what: one.measured for one in verdicts}
    assert by_name["cost a record, by lines: change"] == pytest.approx(0.2)
    assert by_name["second aggregator, batches waiting"] == 1.5
    assert by_name["parse and fold, one core"] == pytest.approx(50)
    assert {one.spread for one in verdicts} == {None, 0.1}
    assert all(one.measured is None for one in judged({}))
    assert len(verdicts) == len(TARGETS)


def test_the_peak_of_a_small_program_is_not_that_of_the_large_one_which_started_it() -> None:
    large = b"\1" * (100 << 20)  # resident from here on
    process = subprocess.Popen(["sleep", "0.1"], text=True)
    usage = usage_of(process, time.perf_counter())
    assert len(large) > 10 * usage.peak > 0
    assert (usage.code, process.poll()) == (0, 0)


def test_the_peak_of_a_larger_program_is_its_own() -> None:
    program = "large = b'\\1' * {}"
    grown = peak_of_this() + (64 << 20)
    process = subprocess.Popen([sys.executable, "-c", program.format(grown)], text=True)
    usage = usage_of(process, time.perf_counter())
    assert grown < usage.peak < grown + (64 << 20)


def peak_of_this() -> int:
    return peak_so_far(Path("/proc/self/status"))

"""A newcomer begins where its predecessor was, and passes over what was counted beyond a gap."""

from dataclasses import replace

from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.spool.progress import Progress, resume
from mailtally_collector.tail.positions import LastLines, Mark, Position, Span

AT_100 = Position(
    file_key="a", path="/var/log/stats", device=1, inode=2, offset=100, trail=(Mark(100, "f"),)
)
OTHER = Position(file_key="b", path="/var/log/stats.1", device=1, inode=3, offset=50)


def proved_by(position: Position, *ends: Position) -> Position:
    return replace(position, ends=tuple(end.trail[-1] for end in ends))


def note(*positions: Position, spans: tuple[Span, ...] = (), skip: tuple[Span, ...] = ()) -> str:
    return Progress(positions, spans, skip).to_json()


def test_a_note_survives_the_way() -> None:
    progress = Progress((AT_100, OTHER), (Span("a", 0, 100),), (Span("b", 7, 9),))
    assert Progress.from_json(progress.to_json()) == progress


def test_an_empty_note_is_no_progress() -> None:
    assert Progress.from_json("") == Progress()


def test_without_a_gap_reading_resumes_at_the_positions() -> None:
    assert resume(Inherited(note(AT_100), ())) == Progress(positions=(AT_100,))


def test_batches_beyond_a_gap_are_passed_over() -> None:
    ahead = (
        note(replace(AT_100, offset=400), spans=(Span("a", 300, 400),)),
        note(replace(AT_100, offset=300), spans=(Span("a", 200, 300),)),
    )
    resumed = resume(Inherited(note(AT_100), ahead))
    assert resumed.positions == (proved_by(AT_100, AT_100),)
    assert resumed.skip == (Span("a", 200, 400),)


def test_a_file_known_only_beyond_the_gap_is_read_from_its_beginning() -> None:
    ahead = (note(AT_100, OTHER, spans=(Span("b", 20, 50),)),)
    resumed = resume(Inherited(note(AT_100), ahead))
    assert resumed.positions == (AT_100, OTHER.at_beginning())
    assert resumed.positions[1].offset == 0
    assert resumed.skip == (Span("b", 20, 50),)


def test_what_a_predecessor_was_to_pass_over_is_passed_over_still() -> None:
    resumed = resume(Inherited(note(AT_100, skip=(Span("a", 150, 160),)), ()))
    assert resumed.skip == (Span("a", 150, 160),)


def test_a_predecessor_that_applied_only_beyond_a_gap_leaves_spans() -> None:
    resumed = resume(Inherited("", (note(AT_100, spans=(Span("a", 50, 100),)),)))
    begun = proved_by(AT_100.at_beginning(), AT_100)
    assert resumed == Progress(positions=(begun,), skip=(Span("a", 50, 100),))


def test_a_file_is_proved_by_what_the_batches_beyond_the_gap_knew_of_it() -> None:
    seen = Position(file_key="b", path="/var/log/stats", device=1, inode=3)  # nothing read of it
    read = replace(seen, offset=50, trail=(Mark(50, "g"),))
    proved = proved_by(replace(read, offset=0), read)
    span = (Span("b", 0, 50),)
    for at_hwm in ("", note(AT_100, seen)):
        ahead = (note(AT_100, seen), note(AT_100, read, spans=span), note(AT_100, read))
        assert proved in resume(Inherited(at_hwm, ahead)).positions


def test_of_a_file_that_nothing_beyond_the_gap_is_of_the_last_lines_before_it_are_known() -> None:
    """They tell where it was cut; how far it was read after that, in the gap, is not known."""
    read = replace(AT_100, lines=LastLines("0" * 8, (100,)))
    cut = replace(AT_100, offset=80, trail=(Mark(80, "e"),))
    assert resume(Inherited(note(read), (note(cut),))).positions == (read,)


def test_what_ends_where_in_a_file_that_was_cut_beyond_the_gap_is_known_of_each_batch() -> None:
    longer = replace(AT_100, offset=200, trail=(Mark(200, "e"),))
    cut = replace(AT_100, offset=180, trail=(Mark(180, "d"),))
    spans = (Span("a", 150, 200),), (Span("a", 160, 180),)
    ahead = (note(longer, spans=spans[0]), note(cut, spans=spans[1]))
    (resumed,) = resume(Inherited(note(AT_100), ahead)).positions
    assert (resumed.offset, resumed.ends) == (100, (*AT_100.trail, *cut.trail, *longer.trail))


def marked(position: Position) -> Position:
    """A position that the ledger does not have, as its old copy hands it to the tailer."""
    return replace(position, own=position.trail[-1])


BEGUN = replace(AT_100, file_key="c", path="/var/log/stats")


def test_a_log_that_only_dropped_batches_of_an_old_copy_began_is_read_from_its_beginning() -> None:
    own = Progress((AT_100, BEGUN), (Span("c", 40, 100), Span("c", 0, 40)))
    assert resume(Inherited(note(AT_100), ()), own).positions == (AT_100,)


def test_a_log_that_an_old_copy_counted_and_the_ledger_forgot_stays_known() -> None:
    for dropped in ((), (Span("c", 60, 100),), (Span("a", 0, 100),)):
        own = Progress((AT_100, BEGUN), dropped)
        assert resume(Inherited(note(AT_100), ()), own).positions == (AT_100, marked(BEGUN))


def test_an_old_copy_of_which_nothing_was_applied_reads_again_from_where_it_began() -> None:
    own = Progress((replace(AT_100, begin=30),), (Span("a", 30, 100),))
    assert resume(None, own).positions == (replace(AT_100, begin=30, offset=30),)

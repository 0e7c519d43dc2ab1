"""What is known to be lacking of a host, and how a day remembers it."""

from __future__ import annotations

from mailtally_shared.days.watermark import MOST_OF_A_DAY, Gap, gaps_of, named, packed, unpacked
from mailtally_shared.wire.status import StatusDocument, Trouble, render

TROUBLE = Trouble(kind="damaged", path="/log", sentence="/log is damaged.", since=5, until=9)


def test_each_trouble_of_a_host_is_a_gap() -> None:
    document = render(StatusDocument(troubles=(TROUBLE,))).encode()
    assert gaps_of({"mail1": document, "mail2": b""}) == (Gap("mail1", TROUBLE.sentence, 5.0, 9),)


def test_a_trouble_without_a_sentence_has_a_reason() -> None:
    silent = TROUBLE.model_copy(update={"sentence": ""})
    document = render(StatusDocument(troubles=(silent,))).encode()
    assert [gap.reason for gap in gaps_of({"mail1": document})] == ["damaged: /log"]


def test_a_document_that_cannot_be_read_is_no_gap() -> None:
    assert gaps_of({"mail1": b"{"}) == ()


def test_a_day_remembers_hosts_and_reasons_once_and_not_too_many() -> None:
    gaps = [Gap("mail1", "x", 0.0), Gap("mail1", "x", 1.0), Gap("mail2", "y", 0.0)]
    assert unpacked(packed(named(gaps)).encode()) == (("mail1", "x"), ("mail2", "y"))
    assert (packed([]), unpacked(None), unpacked(b"")) == ("", (), ())
    assert len(named(Gap(f"mail{n}", "x", 0.0) for n in range(1000))) == MOST_OF_A_DAY


def test_a_changed_log_is_a_gap_and_an_unexpected_or_waiting_one_lacks_nothing() -> None:
    doubtful = TROUBLE.model_copy(update={"kind": "doubtful"})
    unexpected = TROUBLE.model_copy(update={"kind": "unexpected"})
    waiting = TROUBLE.model_copy(update={"kind": "waiting"})
    document = render(StatusDocument(troubles=(unexpected, waiting, doubtful))).encode()
    assert gaps_of({"mail1": document}) == (Gap("mail1", TROUBLE.sentence, 5.0, 9),)

"""What the doctor says after a seed: neither silent about a cause, nor alarmed without one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tests.faults.plan import Plan
    from tests.faults.troubles import Trouble


class Finding(NamedTuple):
    """One of the doctor's findings, as its JSON has it."""

    check: str
    level: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.level} {self.check}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a kind of fault leaves behind for the doctor to find.

    Attributes:
        findings: matches ``CHECK: SENTENCE`` of what it may say of it …
        must: … and whether it has to.
    """

    findings: re.Pattern[str]
    must: bool


def _cause(findings: str, *, must: bool) -> Cause:
    return Cause(re.compile(findings), must=must)


#: Kind of fault → its lasting traces. A kind that is not here leaves none once it is healed.
CAUSES: Mapping[str, Cause] = {
    "hostile-messages": _cause(r"quarantine|never registered", must=True),
    "log-cut": _cause(r"shorter|malformed|end of", must=False),
    "log-zeroed": _cause(r"shorter|malformed|NUL|zero", must=False),
    "log-edited": _cause(r"edited|changed|shorter", must=False),
    "log-restored": _cause(r"shorter|restored|older", must=False),
    "log-replaced": _cause(r"copy|replaced", must=False),
    "log-copied": _cause(r"copy|copies", must=False),
    "collector-cloned": _cause(r"another|overtaken|machine", must=False),
    "state-directory-restored": _cause(r"old copy|taken over", must=False),
    "redis-rolled-back": _cause(r"went back|history", must=False),
}


#: After these Redis may have forgotten what a fault before them left behind.
_FORGETTING = {"redis-power-loss", "redis-emptied", "redis-rolled-back", "queue-lost"}


def read_findings(text: str) -> list[Finding]:
    """The findings of ``doctor --format json``, whose document is the last thing in its log."""
    document = json.loads(text[text.index('{\n  "format"') :])
    return [Finding(f["check"], f["level"], f["sentence"]) for f in document["findings"]]


def judged(findings: Sequence[Finding], plan: Plan, in_vain: Collection[str]) -> Iterator[str]:
    """A sentence for each alarm without a cause, and for each cause without an alarm.

    Kinds ``in_vain`` were drawn and could do nothing: hostile messages while Redis was away.
    """
    kinds = {fault.kind for fault in plan.faults}.difference(in_vain)
    causes = {kind: CAUSES[kind] for kind in kinds if kind in CAUSES}
    alarms = [finding for finding in findings if finding.level != "ok"]
    for alarm in alarms:
        if not _explained(alarm, causes.values()):
            yield f"The doctor cried without a cause: {alarm}"
    for kind, cause in causes.items():
        is_left = cause.must and not kinds & _FORGETTING
        if is_left and not any(_explained(alarm, [cause]) for alarm in alarms):
            yield f"The doctor did not mention what {kind} left behind."


def is_named(trouble: Trouble, findings: Iterable[Finding]) -> bool:
    """Whether a finding that is not ok names a trouble."""
    alarms = (f for f in findings if f.level != "ok" and f.check.startswith(trouble.check))
    return any(trouble.word in alarm.sentence for alarm in alarms)


def _explained(alarm: Finding, causes: Iterable[Cause]) -> bool:
    said = f"{alarm.check}: {alarm.sentence}"
    return any(cause.findings.search(said) for cause in causes)

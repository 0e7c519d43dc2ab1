"""Makes ``docs/reference/settings.md`` from the code: ``python -m tests.support.settings_page``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailtally.settings import ConsoleSettings
from mailtally_aggregator.settings import AggregatorSettings
from mailtally_collector.settings import CollectorSettings
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.runtime.settings import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.runtime.settings import BaseServiceSettings, SettingRow

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/settings.md"
SERVICES: tuple[type[BaseServiceSettings], ...] = (
    CollectorSettings,
    AggregatorSettings,
    LoaderSettings,
    ConsoleSettings,
)
#: Defaults that differ from machine to machine, in words.
MACHINES_OWN = {"MAILTALLY_COLLECTOR__HOST": "*the machine's host name*"}
#: What each unit that a person may write is worth, the largest first.
_DURATIONS = (("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))
_SIZES = (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10), ("", 1.0))

_HEAD = """\
# Settings

<!-- Made by `python -m tests.support.settings_page`; a test compares the two. -->

A setting comes from the command line, the environment or a TOML file; what is named first here
wins. The file is given by `--config FILE` or `MAILTALLY_CONFIG`. A variable that is set to nothing
counts as not set.

Shared settings stand at the top of the file, each service's own in its table. A service may have
another value of a shared setting for itself alone: `statistic_dir` in the table `[loader]`, or
`MAILTALLY_LOADER__STATISTIC_DIR`. One file may serve all services; each reads its own part.

```toml
broker_url = "redis://redis.example.com:6379/0"
timezone = "Europe/Berlin"

[collector]
window = 128

[collector.spool]
keep_applied = "6h"
```

A service that finds anything wrong names all of it at once and stops with exit code 2;
`mailtally-collector check` and its like do so without starting. A misspelt name in the file is an
error; a variable that no setting has is warned of.

| type | what may be written |
|---|---|
| duration | seconds, or a number with a unit: `250ms`, `30s`, `5m`, `1h`, `7d` |
| size | bytes, or a number with a unit: `512KiB`, `64MiB`, `1GiB` |
| list | separated by commas, or JSON, as `["/logs/a,b/stats*"]`; in the file also a list |

Where there is no default, a value must be given.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_shared(), *(line for cls in SERVICES for line in _section(cls))])


def _shared() -> Iterator[str]:
    yield "## Shared settings\n"
    yield from _table(_shared_rows().values())


def _section(cls: type[BaseServiceSettings]) -> Iterator[str]:
    common = _shared_rows()
    rows = describe(cls)
    names = ", ".join(f"`{row.toml_key}`" for row in rows if row.variable in common)
    # What this service means differently stands here again.
    own = [row for row in rows if common.get(row.variable) != row]
    yield f"## {cls.service.capitalize()}\n"
    yield f"{cls.__doc__}\n"
    yield f"Of the shared settings it reads {names}.\n"
    if own:
        yield from _table(own)


def _shared_rows() -> dict[str, SettingRow]:
    """The rows of the first service that has each, by their variables."""
    rows: dict[str, SettingRow] = {}
    for row in (row for cls in SERVICES for row in describe(cls)):
        if "." not in row.toml_key:
            rows.setdefault(row.variable, row)
    return rows


def _table(rows: Iterable[SettingRow]) -> Iterator[str]:
    yield "| variable | in the file | type | default | meaning |"
    yield "|---|---|---|---|---|"
    for row in rows:
        kind = row.type.partition(":")[0].partition(",")[0] if _has_legend(row) else row.type
        cells = [f"`{row.variable}`", f"`{row.toml_key}`", kind, _default(row), row.meaning]
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
    yield ""


def _has_legend(row: SettingRow) -> bool:
    return row.type.startswith(("duration", "size", "list"))


def _default(row: SettingRow) -> str:
    if row.variable in MACHINES_OWN:
        return MACHINES_OWN[row.variable]
    if row.default == "unset" or (row.type.startswith("list") and not row.default):
        return "unset"
    if not row.default:
        return ""
    units = {"duration": _DURATIONS, "size": _SIZES}.get(row.type.partition(":")[0])
    return f"`{_with_unit(float(row.default), units) if units else row.default}`"


def _with_unit(value: float, units: tuple[tuple[str, float], ...]) -> str:
    """In the largest unit of which it is a whole multiple."""
    for unit, worth in units:
        count = round(value / worth)
        if count and abs(count * worth - value) < worth / 1000:
            return f"{count}{unit}"
    return f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

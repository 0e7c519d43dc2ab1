"""Gathers the figures of the billing database; it does the adding up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, text

from mailtally.billing import exact_sums, read_sums
from mailtally.doctor.figures import BilledDay, Breakdown, Charged
from mailtally.doctor.finding import Finding, Level
from mailtally_shared.database import migrations
from mailtally_shared.database.tables import DAILY, DETAIL, LOAD
from mailtally_shared.day_files import ChargingPolicy, Sums, charge

if TYPE_CHECKING:
    from datetime import date

    from mailtally_shared.day_files import QmlRow

_CHARGED = ("bytes", "hits_all", "hits_html")
_COUNTED = ("messages", "bytes", "transferred")


def check_schema(connection: Connection) -> Finding:
    """Whether the tables are those of this version."""
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0].replace("%", "%%"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    found = connection.scalar(text("SELECT version_num FROM mail_traffic_version"))
    if found == wanted:
        return Finding("database", Level.OK, f"It answers; its tables are of version {found}.")
    sentence = (
        f"Its tables are of version {found}, and this mailtally's of {wanted}: start the loader "
        "of this release, or use the release that made them."
    )
    return Finding("database", Level.FAILED, sentence)


def read_billed(connection: Connection) -> dict[date, BilledDay]:
    """Every day in the database."""
    loads = {row.day: row for row in connection.execute(_newest_loads())}
    daily = _daily(connection)
    detail = _detail(connection)
    days = sorted(loads.keys() | daily.keys() | detail.keys())
    return {
        day: _billed(day, loads.get(day), daily.get(day, Charged()), detail[day]) for day in days
    }


def _newest_loads() -> Any:  # noqa: ANN401 - a query's type is its columns'
    newest = select(func.max(LOAD.c.id)).group_by(LOAD.c.day)
    return select(LOAD).where(LOAD.c.id.in_(newest))


def _daily(connection: Connection) -> dict[date, Charged]:
    sums = exact_sums(DAILY.c[name] for name in _CHARGED)
    query = select(DAILY.c.day, func.count(), *sums).group_by(DAILY.c.day)
    return {
        day: Charged(rows, *read_sums(halves)) for day, rows, *halves in connection.execute(query)
    }


def _detail(connection: Connection) -> dict[date, list[tuple[int, Sums]]]:
    """By day: row counts and sums by service and status, which is all that charging looks at."""
    by = (DETAIL.c.day, DETAIL.c.service, DETAIL.c.status)
    sums = exact_sums(DETAIL.c[name] for name in _COUNTED)
    query = select(*by, func.count(), *sums).group_by(*by)
    found: dict[date, list[tuple[int, Sums]]] = defaultdict(list)
    for day, service, status, rows, *halves in connection.execute(query):
        found[day].append((rows, Sums("", "", service, status, *read_sums(halves))))
    return found


def _billed(
    day: date,
    load: Any,  # noqa: ANN401 - a row has its query's columns
    daily: Charged,
    detail: list[tuple[int, Sums]],
) -> BilledDay:
    policy = load and load.policy and ChargingPolicy.model_validate(load.policy)
    counted = Breakdown(
        sum(rows for rows, _ in detail),
        sum(sums.messages for _, sums in detail),
        sum(sums.bytes for _, sums in detail),
    )
    return BilledDay(
        day=day,
        revision=load and load.revision,
        policy=policy or None,
        stated=_stated(load),
        stated_breakdown=_stated_breakdown(load),
        daily=daily,
        detail=counted,
        detail_charged=_charged([sums for _, sums in detail], policy) if policy else Charged(),
    )


def _stated(load: Any) -> Charged:  # noqa: ANN401 - same
    if load is None:
        return Charged()
    return Charged(load.qml_rows, load.bytes, load.hits_all, load.hits_html)


def _stated_breakdown(load: Any) -> Breakdown | None:  # noqa: ANN401 - same
    if load is None or load.breakdown_sha256 is None:
        return None
    return Breakdown(load.breakdown_rows, load.total_messages, load.total_bytes)


def _charged(rows: list[Sums], policy: ChargingPolicy) -> Charged:
    charged: list[QmlRow] = list(charge(rows, policy))
    return Charged(0, *charged[0][1:]) if charged else Charged()

"""The site policy: one document in the state, on which all of a site must agree.

It is written when a state is opened, from the settings of the aggregator that opens it. A process
with other settings is refused: the zone decides to which day a record belongs, and the charging
what of a day is billed, so two aggregators that differ would mix days and bills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from mailtally_shared.days.charging import ChargingPolicy
from mailtally_shared.errors import Refused
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.keys import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.keys import StateKeys


class SitePolicy(BaseModel):
    """The policy document. ``version`` grows with each change.

    Fields that are not known here are another version's, and kept when the document is changed.
    One that decides what is counted or billed comes with another ``format``.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    format: Literal[1] = 1
    version: int = 1
    timezone: str
    charging: ChargingPolicy = ChargingPolicy()
    hours: bool = True


class _Setting(NamedTuple):
    """A setting that the policy contains as well."""

    variable: str
    option: str
    site: str
    here: str


def read_policy(state: State, keys: StateKeys) -> SitePolicy | None:
    """Return the site's policy; ``None`` where the state has none yet.

    Raises:
        Refused: this version cannot read the document.
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        found = cast("bytes | None", state.get(keys.policy))
    try:
        return SitePolicy.model_validate_json(found) if found else None
    except ValidationError as error:
        raise Refused(
            "The site policy in Redis cannot be read by this version of mailtally: "
            "use the version that wrote it."
        ) from error


def adopt_policy(
    state: State,
    keys: StateKeys,
    timezone: str,
    charging: ChargingPolicy | None = None,
    *,
    hours: bool = True,
) -> None:
    """Write the policy into a state that has none, then check the settings against it.

    Raises:
        Refused: the site's zone, charging or hours differ from the settings.
        Unavailable: Redis does not answer.
    """
    policy = SitePolicy(timezone=timezone, charging=charging or ChargingPolicy(), hours=hours)
    with unavailable_errors():
        state.set(keys.policy, policy.model_dump_json(), nx=True)
    check_policy(state, keys, timezone, charging, hours=hours)


def check_policy(
    state: State,
    keys: StateKeys,
    timezone: str,
    charging: ChargingPolicy | None = None,
    *,
    hours: bool | None = None,
) -> None:
    """Refuse settings that differ from the site policy; what is ``None`` is not checked.

    Raises:
        Refused: the message names both values, the setting, and the command to change the policy.
        Unavailable: Redis does not answer.
    """
    policy = read_policy(state, keys)
    if policy is None:
        return
    if policy.timezone != timezone:
        raise Refused(
            f"The site counts its days in {policy.timezone}, as the state in Redis says, but "
            f"MAILTALLY_TIMEZONE is {timezone}: set it to {policy.timezone}, or change the site's "
            f"zone with 'mailtally policy --timezone {timezone}' while no aggregator runs."
        )
    if hours is not None and hours != policy.hours:
        site, here = switched(policy.hours), switched(hours)
        raise Refused(
            f"The site has hours {site}, as the state in Redis says, but MAILTALLY_HOURS is "
            f"{here}: set it to {site}, or change the site's policy with 'mailtally policy --hours "
            f"{here}' while no aggregator runs."
        )
    for each in _charging_settings(policy.charging, charging or policy.charging):
        if each.site != each.here:
            raise Refused(
                f"The site charges by {each.site}, as the state in Redis says, but "
                f"{each.variable} is {each.here}: set it to {each.site}, or change the site's "
                f"policy with 'mailtally policy {each.option} {each.here}' while no aggregator "
                "runs."
            )


def _charging_settings(site: ChargingPolicy, here: ChargingPolicy) -> Iterator[_Setting]:
    prefix = "MAILTALLY_AGGREGATOR__"
    yield _Setting(
        f"{prefix}CHARGED_STATUSES",
        "--charged-statuses",
        statuses_text(site),
        statuses_text(here),
    )
    yield _Setting(f"{prefix}CHARGED_QUANTITY", "--charged-quantity", site.quantity, here.quantity)
    yield _Setting(f"{prefix}HITS", "--hits", site.hits, here.hits)


def switched(setting: bool) -> str:  # noqa: FBT001 - it is what is shown
    """Return a switch in the setting's form."""
    return "on" if setting else "off"


def statuses_text(policy: ChargingPolicy) -> str:
    """Return the charged statuses in the setting's form."""
    if policy.charged_statuses == "all":
        return "all"
    return ",".join(sorted(policy.charged_statuses))


def check_format(state: State, keys: StateKeys) -> bool:
    """Return whether the state was ever opened.

    Raises:
        Refused: another version of mailtally wrote it.
    """
    with unavailable_errors():
        found = state.get(keys.format)
    if found is None or found == FORMAT.encode("ascii"):
        return found is not None
    raise Refused(
        f"The state in Redis has format {found!r}, and this version reads {FORMAT!r} only: "
        "use the mailtally that wrote it."
    )

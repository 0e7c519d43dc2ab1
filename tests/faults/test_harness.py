"""The harness itself: plans repeat, and the oracle notices what it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import oracle
from tests.faults.plan import make_plan
from tests.faults.scenario import Result
from tests.faults.site import AGGREGATORS, COLLECTORS
from tests.faults.telling import summed_up, told
from tests.support.held_sums import alter

if TYPE_CHECKING:
    from tests.faults.drive import Drive


def test_a_seed_is_always_the_same_plan_of_ten_faults_or_more() -> None:
    for seed in range(100):
        plan = make_plan(seed)
        assert plan == make_plan(seed)
        assert len(plan.faults) >= 10
    assert len(COLLECTORS) >= 3
    assert len(AGGREGATORS) >= 3


def test_every_kind_of_fault_is_drawn() -> None:
    drawn = {fault.kind for seed in range(200) for fault in make_plan(seed).faults}
    assert len(drawn) == 35


def test_a_failed_seed_tells_how_to_run_it_again() -> None:
    result = Result(make_plan(7), differences=["something"])
    assert "make faults SEED=7" in told(result)
    assert summed_up([result]).splitlines()[-1].startswith("0 passed, 1 failed")


@pytest.mark.parametrize("by", [1, -1])
def test_the_oracle_notices_a_record_too_many_and_one_too_few(drive: Drive, by: int) -> None:
    drive.start()
    drive.write(300)
    drive.await_billed()
    drive.assert_right()
    with drive.redis() as client:
        key, *_ = client.keys("*totals:2025-03-29*")
        name, *_ = client.hkeys(key)
        alter(client, key.decode(), name.decode(), messages=by)
    assert any("in Redis" in difference for difference in drive.differences())


def test_the_oracle_notices_a_row_that_is_billed_wrongly(drive: Drive) -> None:
    drive.start()
    drive.write(300)
    drive.await_billed()
    expected = drive.traffic.truth.sums()
    drive.traffic.truth.bytes[min(expected)] += 1
    assert oracle.billed(drive.site.database_url) != drive.traffic.truth.sums()
    assert any("in the database" in difference for difference in drive.differences())

"""The network between services and Redis: cut, gone silent, slow, an answer lost."""

from __future__ import annotations

import pytest

from tests.faults import oracle
from tests.faults.drive import AGGREGATOR, COLLECTOR, Drive
from tests.faults.proxy import Network
from tests.support.waiting import wait_until

#: Seconds from the cure of a network until lines are counted again.
_RESUMES = 10.0


@pytest.mark.parametrize("role", ["collector", "aggregator"])
@pytest.mark.parametrize("state", [Network.CUT, Network.SILENT, Network.HELD])
def test_counting_goes_on_within_ten_seconds_of_a_networks_cure(
    drive: Drive, role: str, state: Network
) -> None:
    drive.start()
    drive.write(50)
    drive.await_counted()
    drive.site.networks[role].become(state)
    drive.write(50)
    if state is Network.CUT:
        drive.await_said(AGGREGATOR if role == "aggregator" else COLLECTOR, "does not answer")
    drive.site.networks[role].become(Network.OPEN)
    expected = drive.traffic.truth.sums()
    wait_until(lambda: oracle.live(drive.site) == expected, _RESUMES, "counting again")
    drive.assert_right()


@pytest.mark.parametrize("role", ["collector", "aggregator"])
def test_an_answer_that_is_lost_after_its_request_was_done_doubles_nothing(
    drive: Drive, role: str
) -> None:
    drive.start()
    for _ in range(10):
        drive.site.networks[role].lose_an_answer()
        drive.write(20)
        drive.await_counted()
    drive.assert_right()


def test_services_stop_though_the_network_says_nothing(drive: Drive) -> None:
    drive.start()
    drive.write(50)
    drive.await_counted()
    for network in drive.site.networks.values():
        network.become(Network.SILENT)
    drive.write(50)
    for name in (COLLECTOR, AGGREGATOR):
        drive.site.stop(name)
    assert [drive.site.processes[name].wait() for name in (COLLECTOR, AGGREGATOR)] == [0, 0]
    for network in drive.site.networks.values():
        network.become(Network.OPEN)
    drive.start(COLLECTOR, AGGREGATOR)
    drive.assert_right()

"""A request to stop reaches every thread, from every place, and a second one is obeyed at once."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from mailtally_shared.runtime.lifecycle import Stop

if TYPE_CHECKING:
    from pathlib import Path

LONG = 60.0  # seconds; a test that waits so long has failed

PROGRAM = """
import sys
from mailtally_shared.runtime.lifecycle import Stop
with Stop().install() as stop:
    print("ready", flush=True)
    while not stop.wait(60):
        pass
    print("finishing", flush=True)
    if "linger" in sys.argv:
        sys.stdin.read()
print("done", flush=True)
"""


def test_wait_returns_false_after_its_time_when_nobody_asked() -> None:
    with Stop() as stop:
        assert stop.wait(0.001) is False
        assert stop.wait(-1) is False
        assert not stop.requested


def test_one_request_wakes_every_waiting_thread_and_stays() -> None:
    with Stop() as stop:
        answers: list[bool] = []
        threads = [
            threading.Thread(target=lambda: answers.append(stop.wait(LONG))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        stop.request()
        stop.request()
        for thread in threads:
            thread.join(LONG)
        assert answers == [True] * 8
        assert stop.wait(LONG) is True


def test_it_can_be_polled_beside_other_descriptors() -> None:
    with Stop() as stop:
        poll = select.poll()
        poll.register(stop, select.POLLIN)
        assert poll.poll(0) == []
        stop.request()
        assert poll.poll(0) == [(stop.fileno(), select.POLLIN)]


def test_signals_request_it_and_the_former_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with Stop().install() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(LONG) is True
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = Stop()
    thread = threading.Thread(target=stop.install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before
    stop.close()


def test_after_close_a_request_and_a_wait_still_do_no_harm() -> None:
    stop = Stop()
    stop.close()
    stop.close()
    assert stop.wait(0.001) is False
    stop.request()
    assert stop.wait(LONG) is True


def test_a_late_request_writes_into_no_other_file(tmp_path: Path) -> None:
    # Descriptors are given again at once: a stop that closed its own early would hit this file.
    victim = tmp_path / "spool"
    for _ in range(200):
        with Stop() as stop:
            thread = threading.Thread(target=stop.request)
            thread.start()
            stop.wait(LONG)
        with victim.open("wb"):
            thread.join(LONG)
        assert victim.read_bytes() == b""


def test_its_descriptors_are_given_back_with_it() -> None:
    numbers = set()
    for _ in range(50):
        stop = Stop()
        numbers.add(stop.fileno())
        del stop
    assert len(numbers) < 50


def test_a_request_right_after_the_check_is_not_missed() -> None:
    # The pipe keeps what a flag alone would lose between its check and the sleep.
    for _ in range(200):
        with Stop() as stop:
            threading.Thread(target=stop.request).start()
            assert stop.wait(LONG) is True


def start(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_one_signal_lets_a_program_finish() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start()
        process.send_signal(number)
        output, errors = process.communicate(timeout=LONG)
        assert (process.returncode, output, errors) == (0, "finishing\ndone\n", "")


def test_a_second_signal_ends_a_program_that_lingers() -> None:
    process = start("linger")
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "finishing\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(LONG) == 1
    _, errors = process.communicate()
    assert errors == "Stopped at once, on the second signal.\n"


def test_waiting_takes_no_processor_time() -> None:
    with Stop() as stop:
        before = time.process_time()
        stop.wait(0.2)
        assert time.process_time() - before < 0.1

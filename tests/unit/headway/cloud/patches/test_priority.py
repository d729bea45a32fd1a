"""The patch of the emulator's workers: a function yields to the services it calls."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from ministack.core.lambda_runtime import Worker

from headway.cloud.patches import priority


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def spawn(worker: Worker) -> None:
        worker._proc = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    switch_s = sys.getswitchinterval()
    monkeypatch.setattr(Worker, "_spawn", spawn)
    priority.apply()
    yield
    sys.setswitchinterval(switch_s)


@pytest.mark.usefixtures("patched")
def test_a_worker_has_a_lower_priority_than_the_cloud_that_started_it() -> None:
    worker = Worker("function", {}, b"")
    worker._spawn()
    try:
        niceness = os.getpriority(os.PRIO_PROCESS, worker._proc.pid)
    finally:
        worker._proc.communicate(b"\n")
    assert niceness == min(19, os.getpriority(os.PRIO_PROCESS, 0) + priority.NICENESS)


@pytest.mark.usefixtures("patched")
def test_threads_of_workflows_let_go_soon() -> None:
    assert sys.getswitchinterval() == pytest.approx(priority.SWITCH_S)

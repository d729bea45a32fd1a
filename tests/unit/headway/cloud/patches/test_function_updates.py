"""The patch of the emulator's function updates: whoever is busy ends first."""

from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from headway.cloud.patches import function_updates


class FakeWorker:
    """A worker of the pool, as far as the pool looks at it."""

    def __init__(self, *, in_use: bool) -> None:
        self.in_use = in_use


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[FakeWorker]:
    """Patch the emulator over a pool without processes; returns who was ended."""
    ended: list[FakeWorker] = []
    monkeypatch.setattr(lambda_runtime, "kill_workers", ended.extend)
    monkeypatch.setattr(lambda_runtime, "release_worker", lambda_runtime.release_worker)
    monkeypatch.setattr(lambda_runtime, "_workers", {})
    for name in ("release_worker", "_update_config"):
        monkeypatch.setattr(lambda_svc, name, getattr(lambda_svc, name))

    def update(name: str, _data: Any) -> None:
        lambda_runtime.invalidate_worker(name, qualifier="$LATEST")

    monkeypatch.setattr(lambda_svc, "_update_code", update)
    function_updates.apply()
    return ended


def pool(*workers: FakeWorker) -> None:
    lambda_runtime._workers["1:us-east-1:caller:$LATEST"] = list(workers)


def test_an_update_ends_idle_workers_at_once_and_a_busy_one_after_its_invocation(killed: list[FakeWorker]) -> None:
    busy, idle = FakeWorker(in_use=True), FakeWorker(in_use=False)
    pool(busy, idle)
    lambda_svc._update_code("caller", {})
    assert killed == [idle]
    assert not lambda_runtime._workers, "nobody is given the old code any more"
    lambda_svc.release_worker(busy)
    assert killed == [idle, busy]


def test_a_worker_of_the_new_code_stays_when_its_invocation_is_over(killed: list[FakeWorker]) -> None:
    lambda_svc._update_code("caller", {})
    lambda_svc.release_worker(FakeWorker(in_use=True))
    assert killed == []


def test_who_hangs_or_is_deleted_is_ended_although_busy(killed: list[FakeWorker]) -> None:
    busy = FakeWorker(in_use=True)
    pool(busy)
    lambda_runtime.invalidate_worker("caller")
    assert killed == [busy]

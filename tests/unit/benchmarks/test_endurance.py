"""The closed loop of `make bench-endurance`, against a laboratory without a cloud, and the sums of its samples."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from benchmarks import endurance
from benchmarks.endurance import ClosedLoop, CloudSample, summed
from headway.testing.laboratory import Laboratory


class FakeLaboratory:
    """Executions that end after they were asked about so many times."""

    def __init__(self, asked_count: int, end: str = "SUCCEEDED") -> None:
        self.running: dict[str, int] = {}
        self.most_running_count = 0
        self._asked_count = asked_count
        self._end = end

    def start_all(self, inputs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        for name in inputs:
            assert name not in self.running
            self.running[name] = self._asked_count
        self.most_running_count = max(self.most_running_count, sum(1 for left in self.running.values() if left))
        return list(inputs)

    def execution(self, arn: str) -> Mapping[str, Any]:
        self.running[arn] -= 1
        return {"status": "RUNNING" if self.running[arn] else self._end}


def loop(fake: FakeLaboratory) -> ClosedLoop:
    return ClosedLoop(cast("Laboratory", fake), "call", open_count=30)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "PAUSE_S", 0.0)


def test_no_more_are_open_than_were_asked_for_and_all_are_made() -> None:
    fake, heard = FakeLaboratory(asked_count=3), list[int]()
    loop(fake).run(100, heard.append)
    assert len(fake.running) == 100
    assert fake.most_running_count == 30
    assert heard == sorted(set(heard))
    assert heard[-1] == 100


def test_a_call_that_fails_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match="ended as FAILED"):
        loop(FakeLaboratory(asked_count=1, end="FAILED")).run(100, lambda _: None)


def test_a_run_in_which_nothing_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "SILENCE_S", 0.0)
    with pytest.raises(RuntimeError, match="after 0 of 100 calls"):
        loop(FakeLaboratory(asked_count=1_000_000)).run(100, lambda _: None)


def test_what_grew_is_divided_by_the_calls() -> None:
    samples = [
        CloudSample(0, rss_mb=110, pss_mb=100, processor_s={"cloud": 5.0, "caller": 1.0}),
        CloudSample(250, rss_mb=130, pss_mb=125, processor_s={"cloud": 10.0, "caller": 3.0, "results": 0.5}),
        CloudSample(500, rss_mb=125, pss_mb=120, processor_s={"cloud": 20.0, "caller": 6.0, "results": 1.0}),
    ]
    seen = summed(samples, 25.0, {"caller": 30.0})
    assert (seen.calls_count, seen.calls_per_s) == (500, 20)
    assert (seen.peak_rss_mb, seen.peak_pss_mb, seen.kb_per_call) == (130, 125, 40)
    assert seen.processor_ms_by_hop == {"caller": 10, "cloud": 30, "results": 2}
    assert seen.processor_ms_per_call == 42
    assert seen.is_light

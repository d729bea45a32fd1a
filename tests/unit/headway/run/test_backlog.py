"""Backlogs against a cloud on a virtual clock, with AWS's quotas and a lane that takes one call after the other."""

import io
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.virtual_cloud import REGION, WORKFLOW, VirtualCloud, configuration_of, connected
from headway.errors import CloudLost
from headway.run import batch
from headway.run.api_pace import RunQuotas
from headway.run.preparation import Choices
from headway.run.results import LineOutcome
from headway.run.run_result import RunResult
from headway.run.tally import LaneWait, RunTally


def lines(path: Path, count: int) -> Path:
    path.write_text("".join(json.dumps({"payload": {"n": n, "text": 500 * "x"}}) + "\n" for n in range(count)))
    return path


class Backlog:
    """A file of lines for one contract: so many submits a second, a tolerated wait and one for the answer."""

    def __init__(self, folder: Path, count: int, rate_per_s: int, tolerated_s: int, answer_s: int = 900) -> None:
        waits = {"tolerated_s": tolerated_s, "answer_s": answer_s}
        self.configuration = configuration_of(folder / "configuration", rate_per_s=rate_per_s, **waits)
        self.source = lines(folder / "in.jsonl", count)
        self.patience_s = max(tolerated_s, answer_s) + 30

    def run(self, cloud: VirtualCloud, source: Path | None = None, **more: Any) -> RunResult:
        return batch.run_file(
            WORKFLOW,
            source or self.source,
            connected(cloud),
            Choices(write_report=False),
            surroundings=cloud.surroundings,
            configuration=self.configuration,
            **more,
        )

    @property
    def outcomes(self) -> Counter[str]:
        text = self.source.with_name("in.results.jsonl").read_text()
        return Counter(json.loads(line)["outcome"] for line in text.splitlines())


def utilisation(cloud: VirtualCloud, rate_per_s: float) -> float:
    accepted_s = cloud.accepted_s
    return (len(accepted_s) - 1) / (accepted_s[-1] - accepted_s[0]) / rate_per_s


def test_a_short_patience_is_never_overrun_and_the_contract_is_used(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 400, rate_per_s=2, tolerated_s=20, answer_s=20)
    cloud = VirtualCloud(rate_per_s=2, job_s=2, patience_s=backlog.patience_s)
    seen: list[LaneWait] = []
    result = backlog.run(cloud, progress=lambda tally: seen.extend(tally.waits))
    assert (result.count(LineOutcome.SUCCEEDED), cloud.expired_count) == (400, 0)
    assert cloud.most_waiting_count <= 40
    assert max(wait.waiting_count for wait in seen) <= seen[0].limit_count == 40
    assert utilisation(cloud, 2) > 0.99


def test_jobs_of_ten_minutes_do_not_count_as_waiting(tmp_path: Path) -> None:
    """Were they counted, 600 would be open at a time, and 600 / 600 s is a tenth of the contract."""
    backlog = Backlog(tmp_path, 1_500, rate_per_s=10, tolerated_s=60)
    cloud = VirtualCloud(rate_per_s=10, job_s=600, patience_s=backlog.patience_s)
    assert backlog.run(cloud).count(LineOutcome.SUCCEEDED) == 1_500
    assert cloud.most_waiting_count <= 600
    assert utilisation(cloud, 10) > 0.99


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_lane_below_its_contract_holds_fewer_and_none_expires(tmp_path: Path, share: float) -> None:
    """A tuning, other tenants or 429s: what is sold is not what is got."""
    backlog = Backlog(tmp_path, 300, rate_per_s=10, tolerated_s=60, answer_s=60)
    cloud = VirtualCloud(rate_per_s=10 * share, job_s=2, patience_s=backlog.patience_s)
    assert backlog.run(cloud).count(LineOutcome.SUCCEEDED) == 300
    assert cloud.expired_count == 0
    assert utilisation(cloud, 10 * share) > 0.99


def test_nothing_is_started_while_others_fill_the_queue(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 50, rate_per_s=2, tolerated_s=20, answer_s=20)
    cloud = VirtualCloud(2, 2, backlog.patience_s, others_count=lambda now_s: 45 if now_s < 100 else 0)
    said: list[RunTally] = []
    assert backlog.run(cloud, progress=said.append).count(LineOutcome.SUCCEEDED) == 50
    assert min(cloud.starts_by_second) >= 100
    assert said[0].waits == (LaneWait("replicate", False, 0, 45, 40),)


def test_starts_and_descriptions_keep_within_the_quotas_and_few_requests_look_at_a_queue(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 2_000, rate_per_s=1_000, tolerated_s=30)
    cloud = VirtualCloud(rate_per_s=1_000, job_s=5, patience_s=backlog.patience_s)
    assert backlog.run(cloud).count(LineOutcome.SUCCEEDED) == 2_000
    quota = RunQuotas.of(REGION).starts
    by_second = cloud.starts_by_second
    assert sum(by_second.values()) <= quota.bucket_count + quota.refill_per_s * (max(by_second) - min(by_second))
    assert (cloud.starts.throttled_count, cloud.describes.throttled_count) == (0, 0)
    assert cloud.asked["get_queue_attributes"] <= cloud.now_s / 5 + 1
    assert cloud.asked["describe_execution"] < 1.1 * 2_000


COUNT = 900


def at(second: float, cloud: VirtualCloud, error: BaseException) -> Callable[[RunTally], None]:
    def progress(_: RunTally) -> None:
        if cloud.now_s >= second:
            raise error

    return progress


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=["Ctrl-C", "a crash"])
@pytest.mark.parametrize("away_s", [0, 20, 10_000])
def test_a_run_that_was_broken_off_goes_on_where_it_was(tmp_path: Path, error: BaseException, away_s: float) -> None:
    """Broken off again and again, at once or hours later: nothing is started twice, and nothing is lost."""
    backlog = Backlog(tmp_path, COUNT, rate_per_s=5, tolerated_s=60)
    cloud = VirtualCloud(rate_per_s=5, job_s=40, patience_s=backlog.patience_s)
    for second in (5, 20, 30):
        try:
            assert backlog.run(cloud, progress=at(cloud.now_s + second, cloud, error)).interrupted
        except MemoryError:
            assert isinstance(error, MemoryError)
        cloud.now_s += away_s
    assert cloud.started_count < COUNT
    assert backlog.run(cloud).exit_code == 0
    assert (cloud.started_count, backlog.outcomes, cloud.expired_count) == (COUNT, {"succeeded": COUNT}, 0)
    assert cloud.most_waiting_count <= 5 * 60
    if away_s == 0:
        assert cloud.asked["start_execution"] < 1.2 * COUNT, "what goes on is found by its list, not by starting it"


def test_a_run_that_was_broken_off_while_jobs_are_at_the_vendor_has_room_for_others_at_once(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 600, rate_per_s=5, tolerated_s=60)
    cloud = VirtualCloud(rate_per_s=5, job_s=300, patience_s=backlog.patience_s)
    backlog.run(cloud, progress=at(60, cloud, KeyboardInterrupt()))
    assert backlog.run(cloud).exit_code == 0
    assert utilisation(cloud, 5) > 0.97


def test_standard_input_is_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = Backlog(tmp_path, 3, rate_per_s=10, tolerated_s=60)
    cloud = VirtualCloud(10, 1, backlog.patience_s)
    monkeypatch.chdir(tmp_path)
    for skipped_count in (0, 3):
        piped = io.TextIOWrapper(io.BytesIO(backlog.source.read_bytes()))
        monkeypatch.setattr(sys, "stdin", piped)
        result = backlog.run(cloud, Path("-"))
        assert (result.exit_code, result.skipped_count) == (0, skipped_count)
    assert result.results == Path("stdin.results.jsonl")
    assert len(result.results.read_text().splitlines()) == 3


def test_a_line_that_is_changed_while_the_run_goes_on_is_not_called(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 60, rate_per_s=1, tolerated_s=20)
    cloud = VirtualCloud(1, 1, backlog.patience_s)

    def change(_: RunTally) -> None:
        text = backlog.source.read_text()
        backlog.source.write_text(text.replace('"n": 50,', '"n": 90,').replace('"n": 59,', '"n":59 ,'))

    result = backlog.run(cloud, progress=change)
    assert dict(result.counts) == {LineOutcome.SUCCEEDED: 59, LineOutcome.INVALID: 1}
    assert result.bad_lines[0].endswith("in.jsonl:51: the line was changed while the run went on; run the file again")


def test_a_run_that_loses_the_cloud_goes_on_with_the_same_command(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path, 100, rate_per_s=5, tolerated_s=60)
    cloud = VirtualCloud(rate_per_s=5, job_s=5, patience_s=backlog.patience_s)
    with pytest.raises(CloudLost):
        backlog.run(cloud, progress=at(10, cloud, CloudLost("gone")))
    assert backlog.run(cloud).exit_code == 0
    assert backlog.outcomes == {"succeeded": 100}

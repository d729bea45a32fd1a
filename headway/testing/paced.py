"""A laboratory under load: one vendor in a process of its own, a contract and a way of pacing made for the case, and a
backlog of calls that is let go at once.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from headway_cdk.project import bare
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway.simulator.window import worst_window
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR, Laboratory, deployed
from headway.testing.waiting import await_count

POLL_RATE = 200


@dataclass(frozen=True, slots=True)
class Contract:
    """What the vendor sells: submits per second and per minute, jobs in flight (None: unlimited); how long a job takes,
    and the mean of the exponential time that it takes to answer a submit, in seconds; `answer_s` is what it takes in
    any case, `way_jitter_s` the mean of the exponential time that a call needs to come to it.
    """

    rate_per_s: int
    per_minute: int | None = None
    jobs_in_flight: int | None = None
    job_time_s: float = 2.0
    answer_jitter_s: float = 0.0
    answer_s: float = 0.0
    way_jitter_s: float = 0.0

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The limits as a contract file says them."""
        calls = [(self.rate_per_s, 1, "submit"), (self.per_minute, 60, "submit"), (POLL_RATE, 1, "poll")]
        limits: list[dict[str, Any]] = [
            {"quantity": "calls", "amount": amount, "per_s": per_s, "scope": scope}
            for amount, per_s, scope in calls
            if amount
        ]
        if self.jobs_in_flight:
            limits.append({"quantity": "jobs_in_flight", "amount": self.jobs_in_flight})
        return limits

    @property
    def options(self) -> dict[str, object]:
        """What `headway vendor` is told of it."""
        return {
            "--submit-rate": f"{self.rate_per_s}/1",
            "--poll-rate": f"{POLL_RATE}/1",
            "--job-time": self.job_time_s,
            "--answer-time": self.answer_s,
            "--way-jitter": self.way_jitter_s,
            "--answer-jitter": self.answer_jitter_s,
            **({"--in-flight": self.jobs_in_flight} if self.jobs_in_flight else {}),
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of pacing: its name, and what an operator sets; without a headroom it is learned.

    `result_in_callback` takes the result from the callback, where the shipped contract asks the vendor for it.
    """

    name: str
    pacing: str
    rate_per_s: float
    headroom_ms: int | None = None
    urgent_concurrency: int = 0
    result_in_callback: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vendor saw of one run: calls at its ingress against the limit per second, the worst minute, the most
    jobs in flight; how often the reservations of submits were written per call; the calls that did not end well; and
    the headroom that was in force at the end, 0 with plain pacing.
    Utilisation is 0 where there were too few calls to tell.
    """

    calls_count: int
    utilisation: float
    worst_window_count: int
    violations_count: int
    worst_minute_count: int
    worst_in_flight_count: int
    span_s: float
    writes_per_call: float
    failed_count: int
    headroom_ms: float


@contextmanager
def paced_laboratory(scratch: Path, contract: Contract, setting: Setting) -> Iterator[Laboratory]:
    """Deploy one contract under one setting on a cloud of its own, with its vendor."""
    configuration = _configuration(scratch, contract, setting)
    with (
        in_process(scratch, VENDOR, contract.options) as vendor,
        deployed(scratch, [vendor], project=bare(configuration), assembly=scratch / "assembly") as lab,
    ):
        yield lab


def run_backlog(lab: Laboratory, calls_count: int, name: str) -> Seen:
    """Let a backlog of calls go, wait until all have ended, and return what the vendor saw."""
    lab.vendor.reset()
    with lab.held(lab.lane.dispatcher_function):  # asking must not take the machine from making
        arns = lab.start_all({f"{name}-{index}": call({"index": index}) for index in range(calls_count)})
        await_count(lambda: lab.depth(lab.lane.request_queue_url), calls_count, "requests that wait")
    written_count = lab.reservations_written_count()
    await_count(lab.vendor.admitted_count, calls_count, f"{name}: jobs that were accepted", pause_s=2)
    ends = lab.ends_of(arns, pause_s=2)
    report = lab.vendor.report()
    submit = report.scopes["submit"]
    arrivals_us = sorted(round(arrival_ms * 1_000) for arrival_ms in submit.arrivals_epoch_ms)
    return Seen(
        calls_count=submit.call_count,
        utilisation=submit.utilisation or 0.0,
        worst_window_count=submit.worst_window_count,
        violations_count=submit.violation_count,
        worst_minute_count=worst_window(arrivals_us, 60_000_000),
        worst_in_flight_count=report.jobs_in_flight.worst_count,
        span_s=(arrivals_us[-1] - arrivals_us[0]) / 1_000_000,
        writes_per_call=(lab.reservations_written_count() - written_count) / calls_count,
        failed_count=calls_count - ends.get("SUCCEEDED", 0),
        headroom_ms=lab.headroom_us() / 1_000,
    )


def start_tagged(lab: Laboratory, names: Sequence[str], **rest: Any) -> None:
    """Start calls whose payload is tagged with their name; `rest` goes beside it: `tenant`, `urgent`."""
    lab.start_all({name: {**call({"tag": name}), **rest} for name in names})


def call(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of one execution."""
    return {"payload": {"version": "v1", "input": payload}}


def _configuration(scratch: Path, contract: Contract, setting: Setting) -> Path:
    """Write a copy of the shipped configuration with this contract and setting, and without its checks.

    A check per job is one message more, and lowers what the emulator can carry: docs/contract.md has the figures.
    """
    directory = scratch / "configuration"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(EXAMPLE_CONFIGURATION, directory)
    path = directory / "vendors" / f"{VENDOR}.yaml"
    document = yaml.safe_load(path.read_text())
    document["limits"] = contract.limits
    del document["poll"]
    document["submit"]["fields"] = {"webhook_events_filter": ["completed"]}
    if setting.result_in_callback:
        document["result"] = {"source": "callback"}
    dispatch = document["dispatch"]
    dispatch["pacing"] = setting.pacing
    dispatch["urgent_concurrency"] = setting.urgent_concurrency
    dispatch["reserved_concurrency"] = dispatch["maximum_concurrency"] + setting.urgent_concurrency
    path.write_text(yaml.safe_dump(document))
    headroom = {"headroom_ms": setting.headroom_ms} if setting.headroom_ms else {}
    tuning = {"delay_ms": 0, "rate_per_s": setting.rate_per_s, **headroom}
    (directory / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(tuning))
    return directory

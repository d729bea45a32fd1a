"""The whole pipeline under load: a vendor process that counts, an embedded cloud with one configuration, many calls."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml
from headway_cdk.resources import CONFIGURATION

from headway.deployment import local
from headway.deployment.stack import Stack
from headway.deployment.target import LocalTarget
from headway.simulator.window import worst_window

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

VENDOR = "replicate"
POLL_RATE = 200
WARM_UP_CALLS = 60
PATIENCE_S = 300.0
STARTERS = 8


@dataclass(frozen=True, slots=True)
class Contract:
    """What the vendor sells: submits per second and per minute, jobs in flight (None: unlimited); how long a job takes,
    and the mean of the exponential time that it takes to answer a submit, in seconds.
    """

    rate_per_s: int
    per_minute: int | None = None
    jobs_in_flight: int | None = None
    job_time_s: float = 2.0
    answer_jitter_s: float = 0.0

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


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of pacing: its name, and what an operator sets."""

    name: str
    pacing: str
    rate_per_s: float
    headroom_ms: int = 15
    answers_prove_arrival: bool = True
    urgent_concurrency: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vendor saw of one run: calls at its door against the limit per second, the worst minute, the most jobs
    in flight; the writes of the submits' reserve per call; and the calls that did not end well.
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


@contextmanager
def vendor(scratch: Path, contract: Contract) -> Iterator[str]:
    """Run the simulated vendor in a process of its own, so that its clock is not ours; yields its URL."""
    port = _free_port()
    options = {
        "--port": port,
        "--submit-rate": f"{contract.rate_per_s}/1",
        "--poll-rate": f"{POLL_RATE}/1",
        "--job-time": contract.job_time_s,
        "--answer-time": 0,
        "--answer-jitter": contract.answer_jitter_s,
        "--state-dir": scratch,
        **({"--in-flight": contract.jobs_in_flight} if contract.jobs_in_flight else {}),
    }
    words = [str(word) for option in options.items() for word in option]
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", "from headway.cli import main; main()", "vendor", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cloud(scratch: Path, contract: Contract, setting: Setting, vendor_url: str) -> Iterator["Pipeline"]:
    """Deploy one configuration on an embedded cloud of its own."""
    configuration = _configuration(scratch, contract, setting)
    try:
        state, stack = local.up(
            scratch, {VENDOR: vendor_url}, configuration=configuration, assembly=scratch / "assembly"
        )
        yield Pipeline(LocalTarget(state.endpoint_url), stack, vendor_url)
    finally:
        local.down(scratch)


class Pipeline:
    """A deployed configuration that takes calls."""

    def __init__(self, target: LocalTarget, stack: Stack, vendor_url: str) -> None:
        self._step_functions = target.client("stepfunctions")
        self._dynamodb = target.client("dynamodb")
        self._lambda = target.client("lambda")
        self._sqs = target.client("sqs")
        self._lane = stack.vendors[VENDOR]
        self._budgets_table = stack.budgets_table
        self._machine = stack.workflows["call_vendor"][VENDOR]
        self._vendor_url = vendor_url

    def run(self, calls_count: int, name: str) -> Seen:
        """Let a backlog of calls go, wait until all have ended, and return what the vendor saw."""
        self.reset()
        with held(self._lambda, self._lane["dispatcher_function"]):  # asking must not take the machine from making
            arns = self.start({f"{name}-{index}": _call({"index": index}) for index in range(calls_count)})
            await_count(lambda: depth(self._sqs, self._lane["request_queue_url"]), calls_count, "requests that wait")
        written = self._reservations_version()
        await_count(self.admitted_count, calls_count, f"{name}: jobs that were accepted", pause_s=2)
        ends = await_ends(self._step_functions, arns, pause_s=2)
        report = self.report(arrivals="1")
        submit = report["scopes"]["submit"]
        arrivals_us = sorted(round(arrival_ms * 1_000) for arrival_ms in submit["arrivals_epoch_ms"])
        return Seen(
            calls_count=submit["call_count"],
            utilisation=submit["utilisation"],
            worst_window_count=submit["worst_window_count"],
            violations_count=submit["violation_count"],
            worst_minute_count=worst_window(arrivals_us, 60_000_000),
            worst_in_flight_count=report.get("jobs_in_flight", {}).get("worst_count", 0),
            span_s=(arrivals_us[-1] - arrivals_us[0]) / 1_000_000,
            writes_per_call=(self._reservations_version() - written) / calls_count,
            failed_count=calls_count - ends.get("SUCCEEDED", 0),
        )

    def start_tagged(self, names: Sequence[str], **rest: Any) -> None:
        """Start calls whose payload is tagged with their name; `rest` goes beside it: `tenant`, `urgent`."""
        self.start({name: {**_call({"tag": name}), **rest} for name in names})

    def start(self, inputs: Mapping[str, Any]) -> Sequence[str]:
        """Start one execution per name, with its input; return their ARNs."""

        def begin(name: str) -> str:
            started = self._step_functions.start_execution(
                stateMachineArn=self._machine, name=name, input=json.dumps(inputs[name])
            )
            return str(started["executionArn"])

        with ThreadPoolExecutor(STARTERS) as pool:
            return list(pool.map(begin, inputs))

    def reset(self) -> None:
        """Let the vendor forget what it saw."""
        httpx.post(f"{self._vendor_url}/_headway/reset").raise_for_status()

    def report(self, **wanted: str) -> Mapping[str, Any]:
        """Return the vendor's report; `arrivals="1"` and `tags="tag"` ask for more."""
        report: Mapping[str, Any] = httpx.get(f"{self._vendor_url}/_headway/report", params=wanted).json()
        return report

    def admitted_count(self, scope: str = "submit") -> int:
        """Count the calls that the vendor let in since the reset."""
        return int(self.report()["scopes"][scope]["admitted_count"])

    def _reservations_version(self) -> int:
        """Return how often the reservations of submits was written; plain pacing has none."""
        key = {"budget": {"S": f"{VENDOR}#submit"}}
        item = self._dynamodb.get_item(TableName=self._budgets_table, Key=key, ConsistentRead=True).get("Item")
        return int(item["version"]["N"]) if item else 0


@contextmanager
def held(client: "LambdaClient", function: str) -> Iterator[None]:
    """Hold a function's event source mappings."""
    uuids = [found["UUID"] for found in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]]
    for uuid in uuids:
        client.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        for uuid in uuids:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)


def depth(client: "SQSClient", queue_url: str) -> int:
    """Count the visible messages of a queue without receiving any."""
    name: Final = "ApproximateNumberOfMessages"
    answer = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def backlog(client: "SQSClient", queue_url: str) -> int:
    """Count all messages of a queue: those to be had, those put off, and those in flight."""
    names: Final = (
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
    )
    answer = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def await_count(count_of: Callable[[], int], wanted_count: int, what: str, pause_s: float = 0.2) -> None:
    """Wait until there are so many; TimeoutError when patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while (count := count_of()) < wanted_count:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: {count} of {wanted_count} after {PATIENCE_S:g} s")
        time.sleep(pause_s)


def await_ends(client: "SFNClient", arns: Sequence[str], pause_s: float = 0.2) -> dict[str, int]:
    """Wait until all executions have ended, looking every `pause_s` seconds, and count them by their status."""
    statuses: dict[str, str] = dict.fromkeys(arns, "RUNNING")

    def ended() -> int:
        for arn in [arn for arn, status in statuses.items() if status == "RUNNING"]:
            statuses[arn] = client.describe_execution(executionArn=arn)["status"]
        return sum(status != "RUNNING" for status in statuses.values())

    await_count(ended, len(arns), "workflows that have ended", pause_s)
    return dict(Counter(statuses.values()))


def _call(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"payload": {"version": "v1", "input": payload}}


def _configuration(scratch: Path, contract: Contract, setting: Setting) -> Path:
    """Write a copy of the shipped configuration with this contract and setting, and without its checks.

    A check per job is one message more, and lowers what the emulator can carry: docs/contract.md has the figures.
    """
    directory = scratch / "configuration"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(CONFIGURATION, directory)
    path = directory / "vendors" / f"{VENDOR}.yaml"
    document = yaml.safe_load(path.read_text())
    document["limits"] = contract.limits
    del document["poll"]
    document["submit"]["fields"] = {"webhook_events_filter": ["completed"]}
    dispatch = document["dispatch"]
    dispatch["pacing"] = setting.pacing
    dispatch["urgent_concurrency"] = setting.urgent_concurrency
    dispatch["reserved_concurrency"] = dispatch["maximum_concurrency"] + setting.urgent_concurrency
    path.write_text(yaml.safe_dump(document))
    tuning = {
        "delay_ms": 0,
        "rate_per_s": setting.rate_per_s,
        "headroom_ms": setting.headroom_ms,
        "answers_prove_arrival": setting.answers_prove_arrival,
    }
    (directory / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump(tuning))
    return directory


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            if httpx.get(f"{url}/_headway/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")

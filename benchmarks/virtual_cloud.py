"""A cloud on a virtual clock, as far as `headway run` asks one: Step Functions with AWS's quotas, a ledger, a queue,
and a lane that takes calls one after the other. It keeps some bytes of each execution, and nothing sleeps.
"""

import json
from array import array
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from botocore.exceptions import ClientError
from headway_cdk.published import PublishedLane
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.ledger.record import CallState
from headway_lane.messages.identity import asked_by_call_vendor, call_id_of, group_of

from benchmarks.vendor_copies import contract_file
from headway.deployment.connection import Connection
from headway.deployment.stage import CALL_VENDOR, DeployedStage
from headway.run.api_pace import ApiQuota, RunQuotas
from headway.run.surroundings import Surroundings
from headway.testing.laboratory import VENDOR

MACHINE: Final = f"arn:aws:states:eu-central-1:000000000000:stateMachine:headway-dev-{VENDOR}-call_vendor"
REGION: Final = "eu-central-1"
"""One of the regions with the smaller quotas."""
EPOCH_S: Final = 1_800_000_000
DISPATCH_S: Final = 0.6
"""From the dispatcher's write to the vendor's acceptance; the least that a call waits."""
CLOSING_S: Final = 0.3
"""From the vendor's last word to the end of the execution."""
_NEVER: Final = float("inf")


@dataclass(slots=True)
class Bucket:
    """AWS's token bucket of one API."""

    quota: ApiQuota
    left: float = 0.0
    since_s: float = 0.0
    throttled_count: int = 0

    def __post_init__(self) -> None:
        self.left = self.quota.bucket_count

    def draw(self, now_s: float) -> None:
        """Take one; ThrottlingException where there is none."""
        refilled = self.left + (now_s - self.since_s) * self.quota.refill_per_s
        self.left, self.since_s = min(self.quota.bucket_count, refilled), now_s
        if self.left < 1:
            self.throttled_count += 1
            raise refusal("ThrottlingException")
        self.left -= 1


@dataclass(slots=True)
class VirtualCloud:
    """All clients and the target in one. The lane takes `rate_per_s` calls of this run; a call that waits longer than
    `patience_s` expires. `others_count` says how many calls of others wait at a time.
    """

    rate_per_s: float
    job_s: float
    patience_s: float
    others_count: Callable[[float], int] = lambda _: 0
    rate_at: Callable[[float], float] | None = None
    """Calls per second from a time on, where it is not always the same."""
    region: str = REGION
    now_s: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    starts_by_second: Counter[int] = field(default_factory=Counter)
    most_waiting_count: int = 0
    expired_count: int = 0
    _names: dict[str, int] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _started_s: "array[float]" = field(default_factory=lambda: array("d"))
    _accepted_s: "array[float]" = field(default_factory=lambda: array("d"))
    _waiting: deque[float] = field(default_factory=deque)
    _free_s: float = 0.0
    starts: Bucket = field(default_factory=lambda: Bucket(RunQuotas.of(REGION).starts))
    describes: Bucket = field(default_factory=lambda: Bucket(RunQuotas.of(REGION).describes))

    @property
    def started_count(self) -> int:
        """Executions that there are."""
        return len(self._names)

    @property
    def accepted_s(self) -> list[float]:
        """When the vendor accepted calls, ascending."""
        return sorted(at for at in self._accepted_s if at != _NEVER)

    @property
    def surroundings(self) -> Surroundings:
        """The virtual clock, and threads that are none."""
        return Surroundings(
            epoch_ms=lambda: round((EPOCH_S + self.now_s) * 1_000),
            clock_s=lambda: self.now_s,
            sleep=self.sleep,
            pool=lambda _: Inline(),
        )

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    def client(self, _name: str) -> Any:
        """Return all clients."""
        return self

    def table(self, name: str) -> Any:
        """Refuse: a run asks for no table."""
        raise NotImplementedError(name)

    def describe_state_machine(self, **_: Any) -> None:
        """Say that it is there."""

    def get_parameters(self, **_: Any) -> dict[str, list[Any]]:
        """Return none: the lane was never drained."""
        return {"Parameters": []}

    def invoke(self, **_: Any) -> None:
        """Warm a worker: here all are."""
        self.asked["invoke"] += 1

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        """Start an execution, whose fate is clear at once: the lane takes calls in their order."""
        self.asked["start_execution"] += 1
        self.starts.draw(self.now_s)
        if stateMachineArn != MACHINE:
            raise refusal("StateMachineDoesNotExist")
        given = json.loads(input)
        if name in self._names:
            if self.now_s < self._ended_s(self._names[name]):
                return
            raise refusal("ExecutionAlreadyExists")
        rate_per_s = self.rate_at(self.now_s) if self.rate_at else self.rate_per_s
        accepted_s = max(self.now_s + DISPATCH_S, self._free_s)
        if accepted_s - self.now_s > self.patience_s:
            self.expired_count += 1
            accepted_s = _NEVER
        else:
            self._free_s = accepted_s + 1 / rate_per_s
            self._waiting.append(accepted_s)
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:', 1)}:{name}"
        place = asked_by_call_vendor(given.get("call", {}).get("execution", arn))  # as `call_vendor` does
        self._calls[call_id_of(place, group_of(given.get("tenant"), MACHINE.rpartition(":")[2]))] = len(self._started_s)
        self._names[name] = len(self._started_s)
        self._started_s.append(self.now_s)
        self._accepted_s.append(accepted_s)
        self.starts_by_second[int(self.now_s)] += 1
        self.most_waiting_count = max(self.most_waiting_count, self.waiting_count())

    def waiting_count(self) -> int:
        """Count this run's calls that the vendor does not have yet."""
        while self._waiting and self._waiting[0] <= self.now_s:
            self._waiting.popleft()
        return len(self._waiting)

    def list_executions(self, *, maxResults: int, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        """List what goes on, a page after the other."""
        self.asked["list_executions"] += 1
        going_on = [name for name, index in self._names.items() if self.now_s < self._ended_s(index)]
        start = int(nextToken)
        more = {"nextToken": str(start + maxResults)} if start + maxResults < len(going_on) else {}
        return {"executions": [{"name": name} for name in going_on[start : start + maxResults]], **more}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        """Say how an execution stands."""
        self.asked["describe_execution"] += 1
        self.describes.draw(self.now_s)
        name = executionArn.rpartition(":")[2]
        if name not in self._names:
            raise refusal("ExecutionDoesNotExist")
        index = self._names[name]
        ended_s = self._ended_s(index)
        answer = {"executionArn": executionArn, "startDate": instant(self._started_s[index])}
        if self.now_s < ended_s:
            return {**answer, "status": "RUNNING"}
        answer["stopDate"] = instant(ended_s)
        if self._accepted_s[index] == _NEVER:
            return {**answer, "status": "FAILED", "error": "States.Timeout", "cause": "no sign of life"}
        return {**answer, "status": "SUCCEEDED", "output": json.dumps({"result": "x" * 1_000, "call_id": name})}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Read the ledger: it hears of a call when a dispatcher takes it."""
        self.asked["batch_get_item"] += 1
        ((table, wanted),) = RequestItems.items()
        items = [self._item(key["call_id"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {table: [item for item in items if item]}}

    def get_queue_attributes(self, *, AttributeNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        """Count what waits."""
        self.asked["get_queue_attributes"] += 1
        count = self.waiting_count() + self.others_count(self.now_s)
        return {"Attributes": dict.fromkeys(AttributeNames, "0") | {AttributeNames[0]: str(count)}}

    def _ended_s(self, index: int) -> float:
        accepted_s = self._accepted_s[index]
        if accepted_s == _NEVER:
            return self._started_s[index] + self.patience_s
        return accepted_s + self.job_s + CLOSING_S

    def _item(self, call_id: str) -> dict[str, Any]:
        index = self._calls[call_id]
        accepted_s, ended_s = self._accepted_s[index], self._ended_s(index)
        passed = {
            CallState.SENDING: accepted_s - DISPATCH_S,
            CallState.ACCEPTED: accepted_s,
            CallState.ANSWERED: ended_s - CLOSING_S,
            CallState.RESUMED: ended_s - CLOSING_S,
        }
        if accepted_s == _NEVER:
            passed = {CallState.EXPIRED: ended_s}
        reached = {state: at_s for state, at_s in passed.items() if at_s <= self.now_s}
        if not reached:
            return {}
        times = {f"{state}_epoch_ms": {"N": str(round((EPOCH_S + at_s) * 1_000))} for state, at_s in reached.items()}
        return {"call_id": {"S": call_id}, "state": {"S": list(reached)[-1].value}, **times}


class Inline(Executor):
    """Runs at once what is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run it here."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def refusal(code: str) -> ClientError:
    """Return an answer of AWS that refuses."""
    return ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, "Operation")


def instant(seconds: float) -> datetime:
    """Return a time of the virtual clock as botocore does."""
    return datetime.fromtimestamp(EPOCH_S + seconds, UTC)


def connected(cloud: VirtualCloud) -> Connection:
    """Return the way to a cloud with one lane."""
    needed: dict[str, Any] = {each.name: each.name for each in fields(PublishedLane) if each.default is MISSING}
    lane = PublishedLane(**{**needed, "call_vendor_machine_arn": MACHINE})
    return Connection("aws", cloud, DeployedStage("dev", {VENDOR: lane}, {}))


def configuration_of(folder: Path, *, rate_per_s: int, tolerated_s: int, answer_s: int, **changes: Any) -> Path:
    """Write a configuration whose vendor sells so many submits a second, with these waits."""
    document = yaml.safe_load(contract_file(EXAMPLE_CONFIGURATION, VENDOR).read_text())
    document["limits"][0]["amount"] = rate_per_s
    document["waits"] = {"tolerated_s": tolerated_s, "answer_s": answer_s}
    del document["poll"]
    path = contract_file(folder, VENDOR)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**document, **changes}))
    (folder / "tuning").mkdir(exist_ok=True)
    tuning = yaml.safe_load((EXAMPLE_CONFIGURATION / "tuning" / f"{VENDOR}.yaml").read_text())
    (folder / "tuning" / f"{VENDOR}.yaml").write_text(yaml.safe_dump({**tuning, "rate_per_s": rate_per_s}))
    return folder


WORKFLOW: Final = CALL_VENDOR

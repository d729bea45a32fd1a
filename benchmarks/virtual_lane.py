"""One vendor's lane under calls that are offered over hours, on a virtual clock.

The dispatcher's batch, the caller, the ledger, the reservations and the settler are the functions' own; here is what
surrounds them: a queue, tasks, tables in memory, the time that each request takes, and a vendor that counts. So whether
a message is past its end, who is asked, and which slot is whose, is decided by the code that runs on AWS.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

import httpx
from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput
from headway_lane.contract.dispatch import BATCH_SIZE
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.batch import open_batch
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.ledger.record import CallAttribute, JobAttribute
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.budget import Budget, changes_of
from headway_lane.limiter.core.measured import Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.pace import PermitPace
from headway_lane.limiter.reservation_store import BudgetAttribute, DynamoReservationStore
from headway_lane.limiter.turn import Turn, Unpaced
from headway_lane.messages.claim import Claims
from headway_lane.messages.identity import asked_by_call_vendor, attempt_of, call_id_of
from headway_lane.messages.received import Received
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.waiter import Waiter
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger
from headway_lane.vendor_api.proxy import Proxy

from benchmarks.virtual_queue import US_PER_S, VirtualQueue
from benchmarks.virtual_table import VirtualTable
from benchmarks.virtual_tasks import VirtualTasks
from headway.testing.virtual_threads import START_US, VirtualThreads

TABLE_MS: Final = 6
QUEUE_MS: Final = 10
TASK_MS: Final = 20
START_MS: Final = 30
"""What a request to DynamoDB, SQS, SendTaskHeartbeat and StartExecution takes on average; uniform within half of that
to either side.
"""
WORKER_MS: Final = 90
"""From the start of `dispatch_call` to the caller's first step, on average; exponential."""
WAY_MS: Final = 4
"""From the socket to the vendor, and back, at most: with the default headroom an answer proves the arrival."""
SKEW_MS: Final = 1
"""Between any two clocks, at most."""
POLL_MS: Final = 100
"""How soon a dispatcher that found the queue empty is fed again."""
QUEUE_URL: Final = "https://sqs.example/requests"
MACHINE: Final = "arn:aws:states:eu-central-1:000000000000:stateMachine:orders"
GROUP: Final = "orders"


@dataclass(frozen=True, slots=True)
class Sent:
    """A call at the vendor's door: when, in true epoch microseconds, and whether its task waited when it was sent."""

    at_us: int
    call_id: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class FixedProfiles:
    """A contract and a tuning that stay as they are."""

    contract: Vendor
    pace: Tuning

    def vendor(self, name: str) -> Vendor:
        """Return the contract."""
        del name
        return self.contract

    def tuning(self, vendor: Vendor) -> Tuning:
        """Return the tuning."""
        del vendor
        return self.pace


class VirtualLane:
    """The lane of `vendor`, to which calls are offered at `offered_us` (epoch microseconds, ascending), for as long as
    `until_us`. `sent` are the calls that the vendor saw, `counts` what became of messages and calls by the names of
    metric and outcome.
    """

    def __init__(self, vendor: Vendor, offered_us: Sequence[int], until_us: int, seed: int) -> None:
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        self.sent: list[Sent] = []
        self.counts: Counter[str] = Counter()
        self.threads = VirtualThreads(until_us)
        self._vendor = vendor
        self._offered_us = offered_us
        self._uniform = random.random
        self._samples = Samples()
        self._exponential = random.expovariate
        self._tokens: dict[str, str] = {}
        self._progress: Callable[[int], None] = lambda _: None
        self.queue = VirtualQueue(QUEUE_URL, vendor.request_visibility_s, self.threads, random, self._taking(QUEUE_MS))
        heartbeat_s, timeout_s = vendor.call_heartbeat_s, vendor.call_timeout_s
        self._tasks = VirtualTasks(heartbeat_s, timeout_s, self.threads, self._taking(TASK_MS), self._express)
        self._profiles = FixedProfiles(vendor, replace(Tuning.default_of(vendor), headroom_ms=DEFAULT_HEADROOM_MS))
        pause = self._taking(TABLE_MS)
        self._budgets: Any = VirtualTable(BudgetAttribute.BUDGET, pause)
        calls: Any = VirtualTable(CallAttribute.CALL_ID, pause)
        jobs: Any = VirtualTable(JobAttribute.JOB_KEY, pause)
        self._ledger = Ledger(calls, jobs, lambda: self.threads.now_us // 1_000)
        self._waiters = TaskTokens(cast(Any, self._tasks))
        self._requests = RequestQueues(cast(Any, self.queue))

    def run(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Let the time pass; `progress` is told how many calls the vendor has seen."""
        self._progress = progress
        self._offer(0)
        for _ in range(self._vendor.dispatch.maximum_concurrency):
            self.threads.start(START_US, self._dispatcher)
        level = logger().log_level
        logger().setLevel(logging.ERROR)  # a line for each call that was dropped
        try:
            self.threads.run()
        finally:
            logger().setLevel(level)

    def _taking(self, mean_ms: float) -> Callable[[], None]:
        """Return a pause of a request."""
        return lambda: self.threads.sleep_us(round((0.5 + self._uniform()) * mean_ms * 1_000))

    def _clock(self) -> Callable[[], int]:
        """Return the clock of a worker, in epoch microseconds."""
        offset_us = round((self._uniform() - 0.5) * SKEW_MS * 1_000)
        return lambda: self.threads.now_us + offset_us

    # The calls that are offered.

    def _offer(self, index: int) -> None:
        if index < len(self._offered_us):
            self.threads.at(self._offered_us[index], lambda: self._ask(index))

    def _ask(self, index: int) -> None:
        """Let a task wait for its call, as `CallVendor` does."""
        place = asked_by_call_vendor(f"{MACHINE.replace(':stateMachine:', ':execution:')}:{index}")
        waiter = Waiter(f"task-token-{index}")
        request = CallRequest(
            call_id_of(place, GROUP), attempt_of(waiter), place, self._vendor.name, {"number": index}, waiter
        )
        self._tokens[request.call_id] = waiter
        self._tasks.wait(waiter)
        self.queue.send(request.to_body(), GROUP)
        self._offer(index + 1)

    # The dispatchers.

    def _dispatcher(self) -> None:
        """Take one batch after the other, as an event source mapping feeds it; what has failed comes back by itself."""
        epoch_us = self._clock()
        dispatcher = Dispatcher(
            self._vendor.name,
            self._profiles,
            self._ledger,
            self._waiters,
            PermitPace(lambda *_: self._budget(epoch_us), epoch_us, self.threads.sleep_us),
            step_functions=cast(Any, self._tasks),
            machine_arn="dispatch_call",
            epoch_s=lambda: epoch_us() / US_PER_S,
        )
        while True:
            answered = self.queue.receive(min(BATCH_SIZE, self._vendor.dispatch.batch_size))
            if not answered:
                self.threads.sleep_us(POLL_MS * 1_000)
                continue
            self._taking(START_MS)()
            messages = [Received.of_message(QUEUE_URL, message) for message in answered]
            with open_batch(dispatcher, self._requests, messages, urgent=False) as batch:
                for message in messages:
                    batch.dispatch(message)
            for message in messages:
                self.queue.delete(message.receipt)
            self.counts.update(batch.counts)

    def _budget(self, epoch_us: Callable[[], int]) -> Budget:
        changes = changes_of(self._vendor, Scope.SUBMIT, self._profiles.pace, epoch_us, uniform=self._uniform)
        if changes is None:
            raise ValueError("the contract has no limit on submits")
        return Budget(DynamoReservationStore(self._budgets), changes, self.threads.sleep_us)

    # The callers.

    def _express(self, data: dict[str, Any]) -> None:
        """Start a caller, some time after its execution."""
        begins_us = self.threads.now_us + round(self._exponential(1 / WORKER_MS) * 1_000)
        self.threads.start(begins_us, lambda: self._caller(data))

    def _caller(self, data: dict[str, Any]) -> None:
        epoch_us = self._clock()
        request = CallInput.from_event(data, f"invocation-{data['call_id']}-{self.threads.now_us}")
        settler = Settler(self._ledger, self._waiters)
        back = WayBack(self._ledger, settler, cast(Claims, NoClaims()), self._requests)
        caller = Caller(
            request,
            self._vendor,
            lambda: self._way_out(request.call_id, request.permit, epoch_us),
            back,
            epoch_s=lambda: epoch_us() / US_PER_S,
            sleep_s=lambda duration_s: self.threads.sleep_us(round(duration_s * US_PER_S)),
        )
        report = caller.call()
        self.counts[report.outcome] += 1
        self.counts[Metric.PERMITS_MISSED] += sum(turns.missed_count for turns in caller.turns)

    def _way_out(self, call_id: str, permit: Permit | None, epoch_us: Callable[[], int]) -> WayOut:
        turns = Turn(self._budget(epoch_us), permit, epoch_us, self.threads.sleep_us, samples=self._samples)
        proxy = cast(Proxy, VendorDoor(lambda: self._arrived(call_id)))
        return WayOut(self._vendor, proxy, turns, Unpaced(), "https://callbacks.example")

    def _arrived(self, call_id: str) -> httpx.Response:
        """Take a call, and answer with a job ID."""
        awaited = self._tasks.waits(self._tokens[call_id])
        self.threads.sleep_us(round(self._uniform() * WAY_MS * 1_000))
        self.sent.append(Sent(self.threads.now_us, call_id, awaited))
        self._progress(len(self.sent))
        self.threads.sleep_us(round(self._uniform() * WAY_MS * 1_000))
        return httpx.Response(201, json={"id": f"job-{call_id}"})


class NoClaims:
    """Payloads that travel as they are."""

    def redeem(self, value: Any, folder: str) -> Any:
        """Return the payload."""
        del folder
        return value


class VendorDoor:
    """What the caller sends to, instead of the proxy; `arrived` answers."""

    secrets: tuple[str, ...] = ()
    limit_headers: tuple[()] = ()

    def __init__(self, arrived: Callable[[], httpx.Response]) -> None:
        self._arrived = arrived

    def connect_ahead(self) -> None:
        """Do nothing: it is no further than the next room."""

    def send(self, *_: Any, **__: Any) -> httpx.Response:
        """Send one call."""
        return self._arrived()

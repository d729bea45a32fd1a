"""A fetch ends with its task: with the result, with a reason, or because nobody waits any more. Until then it waits."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.limiter.core.signals import Reason
from headway_lane.messages.claim import CARRIED_BYTES, FIELD, STATE_BYTES, results_folder
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.request_queue import REQUEUE_S
from headway_lane.messages.results_queue import ResultsQueue, read
from headway_lane.messages.waiter import Waiter
from headway_lane.results import handler
from headway_lane.results.fetching import Fetcher, FetchOutcome
from headway_lane.results.pauses import LONGEST_BACKOFF_S
from headway_lane.runtime.errors import ErrorCode, FailTask, NewerFormat, RetryLater
from headway_lane.runtime.formats import NEWER_FORMAT_REQUEUE_S
from headway_lane.runtime.names import CREDENTIAL_HEADER
from headway_lane.runtime.warm_up import WARM_UP
from headway_lane.vendor_api.proxy import Proxy

from tests.unit.headway_lane.fakes import (
    TOKEN,
    VENDOR_DOCUMENT,
    FakeS3,
    FakeSqs,
    FakeStepFunctions,
    FakeTurns,
    Worker,
    client_error,
    metrics,
    sqs_record,
    vendor_of,
)

QUEUE_URL = "https://sqs.example/results"
ASKED = Fetch("call-1", "job-1", "succeeded", Waiter(TOKEN))
RESULT = {"id": "job-1", "output": "Grüße"}
OK = httpx.Response(200, json=RESULT)
POLLS = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}


class Bench:
    """A fetcher in front of a waiting task; `found` is what getting the result gives, or raises."""

    def __init__(self) -> None:
        self.found: Any = RESULT
        self.asked_count = 0
        self.step_functions, self.sqs, self.s3, self.turns = FakeStepFunctions(TOKEN), FakeSqs(), FakeS3(), FakeTurns()
        self.fetcher = Fetcher(
            "acme",
            self.step_functions.waiters(),
            self.s3.claims(),
            ResultsQueue(self.sqs.client(), QUEUE_URL, lambda: 0),
            get=self._get,
            spread=lambda: 1.0,
        )

    def _get(self, job_id: str, turns: Any) -> Any:
        assert (job_id, turns) == ("job-1", self.turns)
        self.asked_count += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def fetch(self, asked: Fetch = ASKED) -> FetchOutcome:
        return self.fetcher.fetch(asked, self.turns)

    @property
    def told(self) -> list[str]:
        return [name for name, _ in self.step_functions.sent]

    @property
    def output(self) -> Any:
        [success] = self.step_functions.of("SendTaskSuccess")
        return json.loads(success["output"])

    @property
    def later(self) -> list[tuple[Fetch, int]]:
        """Return the fetches that wait, with their delays."""
        sent = [params for _, params in self.sqs.sent]
        assert all(params["QueueUrl"] == QUEUE_URL for params in sent)
        return [(_fetch(params["MessageBody"]), params["DelaySeconds"]) for params in sent]


def _fetch(body: str) -> Fetch:
    message = read(body)
    assert isinstance(message, Fetch)
    return message


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_result_resumes_its_task_with_all_that_the_workflow_ends_with(bench: Bench) -> None:
    assert bench.fetch() is FetchOutcome.FETCHED
    assert bench.output == {
        "call_id": "call-1",
        "vendor": "acme",
        "job_id": "job-1",
        "status": "succeeded",
        "result": RESULT,
    }
    assert (bench.later, bench.turns.told) == ([], ["report"])


def test_a_result_that_is_not_there_fails_its_task_by_name(bench: Bench) -> None:
    bench.found = FailTask(ErrorCode.RESULT_UNAVAILABLE, "acme answered HTTP 404")
    assert bench.fetch() is FetchOutcome.REJECTED
    assert bench.step_functions.of("SendTaskFailure") == [
        {"taskToken": TOKEN, "error": "Result.Unavailable", "cause": "acme answered HTTP 404"}
    ]
    assert (bench.later, bench.turns.told) == ([], ["report"])


@pytest.mark.parametrize(
    ("asked_s", "delay_s"), [(0, REQUEUE_S), (3, 3), (5.2, 6), (300, 300), (5_000, LONGEST_REQUEUE_S)]
)
def test_what_cannot_be_had_now_waits_as_long_as_is_asked_behind_a_heartbeat(
    bench: Bench, asked_s: float, delay_s: int
) -> None:
    bench.found = RetryLater("acme cools down", asked_s)
    assert bench.fetch() is FetchOutcome.REQUEUED
    assert (bench.told, bench.later) == (["SendTaskHeartbeat"], [(ASKED.again(), delay_s)])
    assert bench.turns.told == ["report"], "before the queue: a report that fails must not double the message"


def test_where_nobody_says_how_long_the_pauses_double_up_to_a_minute(bench: Bench) -> None:
    bench.found = RetryLater("HTTP 503")
    asked, delays_s = ASKED, []
    for _ in range(8):
        bench.fetch(asked)
        asked, delay_s = bench.later[-1]
        delays_s.append(delay_s)
    assert delays_s == [REQUEUE_S, 4, 8, 16, 32, LONGEST_BACKOFF_S, LONGEST_BACKOFF_S, LONGEST_BACKOFF_S]
    bench.fetch(Fetch("call-1", "job-1", "succeeded", Waiter(TOKEN), requeued_count=10**6))
    assert bench.later[-1][1] == LONGEST_BACKOFF_S


def test_the_vendor_is_not_asked_for_a_task_that_has_ended(bench: Bench) -> None:
    bench.step_functions.end(TOKEN)
    assert bench.fetch() is FetchOutcome.OVER
    assert (bench.asked_count, bench.later, bench.turns.told) == (0, [], [])


def test_a_heartbeat_that_is_throttled_does_not_cost_the_fetch(bench: Bench) -> None:
    bench.found = RetryLater("HTTP 503")
    bench.step_functions.errors.append(client_error("SendTaskHeartbeat", "ThrottlingException"))
    assert bench.fetch() is FetchOutcome.REQUEUED
    assert bench.later == [(ASKED.again(), REQUEUE_S)]


@pytest.mark.parametrize("found", [RESULT, FailTask(ErrorCode.RESULT_UNAVAILABLE, "gone")], ids=["success", "failure"])
def test_a_task_that_ends_meanwhile_or_has_its_word_already_is_over(
    bench: Bench, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ending(job_id: str, turns: Any) -> Any:
        bench.step_functions.end(TOKEN)  # its time is up, or it was told and the response was lost
        return get(job_id, turns)

    bench.found, get = found, bench._get
    monkeypatch.setattr(bench.fetcher, "_get", ending)
    assert bench.fetch() is FetchOutcome.OVER
    assert (bench.told, bench.later) == (["SendTaskHeartbeat"], [])


def test_a_task_that_cannot_be_told_now_gets_the_same_word_at_the_next_delivery(bench: Bench) -> None:
    throttled = [
        client_error(operation, "ThrottlingException") for operation in ("SendTaskHeartbeat", "SendTaskSuccess")
    ]
    bench.step_functions.errors.extend(throttled)
    with pytest.raises(ClientError, match="SendTaskSuccess"):
        bench.fetch()
    assert bench.fetch() is FetchOutcome.FETCHED
    assert bench.later == []


def test_a_result_whose_record_is_for_newer_code_waits_for_that_code(bench: Bench) -> None:
    bench.found = NewerFormat("the record of the job is newer", NEWER_FORMAT_REQUEUE_S)
    assert bench.fetch() is FetchOutcome.NEWER
    assert bench.later == [(ASKED.again(), NEWER_FORMAT_REQUEUE_S)]


@pytest.mark.parametrize("character", ["x", "水", "😀", "\x00"])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_result_travels_up_to_its_limit_in_bytes_and_lies_in_the_bucket_above(
    bench: Bench, character: str, beyond: int
) -> None:
    width = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    fill = CARRIED_BYTES + beyond - 2
    bench.found = character * (fill // width) + "x" * (fill % width)
    assert bench.fetch() is FetchOutcome.FETCHED
    if beyond <= 0:
        assert bench.output["result"] == bench.found
    else:
        assert bench.output["result"][FIELD]["size_bytes"] == CARRIED_BYTES + beyond
        assert bench.s3.claims().redeem(bench.output["result"], results_folder("acme")) == bench.found


def test_a_result_beside_a_status_that_fills_the_output_lies_in_the_bucket(bench: Bench) -> None:
    bench.found = "x" * (CARRIED_BYTES - 2)
    asked = Fetch("call-1", "job-1", "s" * (STATE_BYTES - CARRIED_BYTES), Waiter(TOKEN))
    assert bench.fetcher.fetch(asked, bench.turns) is FetchOutcome.FETCHED
    assert set(bench.output["result"]) == {FIELD}


def body(**changes: Any) -> str:
    """Write a fetch as `call_vendor` does; a field changed to None is left out."""
    fields = {
        "format_version": 2,
        "kind": "fetch",
        "call_id": "call-1",
        "job_id": "job-1",
        "status": "succeeded",
        "task_token": TOKEN,
    } | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def taken(*bodies: str) -> list[str]:
    """Let the function take a batch, and return what comes back."""
    records = [sqs_record(text, f"m{number}") for number, text in enumerate(bodies, start=1)]
    response = handler.find({"Records": records}, LambdaContext())
    return [str(item["itemIdentifier"]) for item in response["batchItemFailures"]]


def test_the_function_hands_the_result_to_the_task(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.vendor.answers = [OK]
    assert taken(body()) == []
    [success] = worker.step_functions.of("SendTaskSuccess")
    assert (success["taskToken"], json.loads(success["output"])["result"]) == (TOKEN, RESULT)
    assert worker.vendor.requests[0].headers[CREDENTIAL_HEADER] == "Bearer api-token-1"
    printed = capsys.readouterr().out
    assert metrics(printed).items() >= {"vendor": "acme", "ResultsFetched": [1.0]}.items()
    assert TOKEN not in printed


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"job_id": None}, "`job_id` of a fetch is missing"),
        ({"job_id": 7}, "`job_id`"),
        ({"status": ["done"]}, "`status`"),
        ({"kind": "other"}, "`kind` is none of check, fetch, stop, cancel"),
        ({"kind": ["fetch"]}, "`kind`"),
        ({"predecessor": "x"}, "fields that nobody knows"),
    ],
)
def test_a_fetch_that_cannot_be_read_fails_its_task_at_once_and_becomes_a_dead_letter(
    worker: Worker, wrong: Mapping[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.vendor.answers = [OK]
    assert taken(body(**wrong)) == ["m1"]
    [failure] = worker.step_functions.of("SendTaskFailure")
    assert failure["error"] == "Request.Malformed"
    assert says in failure["cause"]
    assert taken(body(**wrong)) == ["m1"], "the second delivery finds the task told"
    assert worker.vendor.requests == []
    assert TOKEN not in capsys.readouterr().out


def test_a_fetch_takes_its_turn_where_the_contract_counts_polls(worker: Worker) -> None:
    worker.profiles.contract = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], POLLS]})
    worker.vendor.answers = [OK]
    left_us = []
    for number in range(3):
        worker.step_functions.waiting.add(f"token-{number}")
        taken(body(task_token=f"token-{number}"))
        left_us.append(worker.clock.now_us)
    interval_us = worker.reservations.entries["acme#poll"].rule.emission_interval_us
    assert left_us == [left_us[0], left_us[0] + interval_us, left_us[0] + 2 * interval_us]
    assert interval_us == 550_000, "1.1 s for two"
    assert list(worker.reservations.entries) == ["acme#poll"]


def test_a_busy_vendor_cools_down_the_polls_of_everybody_and_the_cool_down_is_counted(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.profiles.contract = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], POLLS]})
    worker.vendor.answers = [httpx.Response(429, headers={"Retry-After": "40"})]
    taken(body())
    line = metrics(capsys.readouterr().out)
    assert (line["ResultsRequeued"], line["CoolDownsRetryAfter"]) == ([1.0], [1.0])
    assert worker.reservations.entries["acme#poll"].reservations.cool_down_reason is Reason.RETRY_AFTER
    [message] = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["DelaySeconds"]) == (QUEUE_URL, 40)


def test_without_a_tuning_a_fetch_waits(worker: Worker) -> None:
    worker.profiles.contract = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], POLLS]})
    worker.profiles.tuned = False
    assert taken(body()) == []
    [message] = worker.sqs.of("SendMessage")
    assert (message["DelaySeconds"], worker.vendor.requests) == (15, [])


def test_a_worker_that_is_warmed_up_connects_to_the_vendors_proxy_and_asks_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[Proxy] = []
    monkeypatch.setattr(Proxy, "connect_ahead", lambda proxy: connected.append(proxy))
    assert handler.find({WARM_UP: 0}, LambdaContext()) == {"batchItemFailures": []}
    assert (len(connected), worker.vendor.requests, worker.step_functions.sent) == (1, [], [])

"""Fakes and builders of the functions' tests: clocks, Step Functions, SQS, a vendor behind the proxy, contracts.

The AWS fakes check every call against botocore's own service model, and behave as AWS documents it where the emulators
do not: a token is good once, dead tokens have their error codes, sizes are limited.
"""

import base64
import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import httpx
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from headway_lane.contract import paths
from headway_lane.contract.exchange import Credential
from headway_lane.contract.limits import Scope
from headway_lane.contract.profile import TuningUnknown
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.budget import budget_of
from headway_lane.limiter.core.dispatching import LEAD_US
from headway_lane.limiter.core.measured import Sample
from headway_lane.limiter.core.signals import Announced, CoolDown, Reason
from headway_lane.messages.claim import Claims
from headway_lane.messages.identity import CallSite, attempt_of, call_id_of
from headway_lane.messages.origin import Origin
from headway_lane.messages.received import Received
from headway_lane.messages.request import CallRequest
from headway_lane.messages.waiter import Waiter
from headway_lane.resume.task_token import TaskTokens
from headway_lane.vendor_api.proxy import Proxy
from standardwebhooks import Webhook

from tests.unit.headway_lane.memory_stores import MemoryInFlightStore, MemoryReservationStore

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

NOW_MS = 1_800_000_000_000
TOKEN = "task-token-1"
CALLBACK_URL = "https://callbacks.example/acme"
CLAIMS_BUCKET = "claims"
ORIGIN = Origin("https://sqs.example/urgent", "tenant-1")
WEBHOOK_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED_AT = datetime.fromtimestamp(1_614_265_330, tz=UTC)

VENDOR_DOCUMENT: Mapping[str, Any] = {
    "vendor": "acme",
    "base_url": "https://api.acme.example",
    "limits": [{"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"}],
    "credential": {"header": "Authorization", "format": "Bearer {token}"},
    "submit": {
        "method": "POST",
        "path": "/v1/jobs",
        "timeout_s": 10,
        "job_id": "id",
        "callback_url": "webhook",
        "fields": {"events": ["end"]},
        "ambiguity": "reject",
    },
    "callback": {
        "job_id": "id",
        "status": "status",
        "success": ["succeeded"],
        "failure": ["failed", "canceled"],
        "progress": ["processing"],
        "verification": "standard-webhooks",
    },
    "result": {"path": "/v1/jobs/{job_id}", "timeout_s": 10},
    "waits": {"tolerated_s": 300, "answer_s": 900},
    "dispatch": {
        "trigger": "event_source",
        "batch_size": 10,
        "batching_window_s": 0,
        "maximum_concurrency": 2,
        "urgent_concurrency": 0,
        "reserved_concurrency": 2,
        "provisioned_concurrency": 0,
    },
}

ASKING: Mapping[str, Any] = {
    "submit.ambiguity": "ask",
    "submit.idempotency_field": "reference",
    "submit.lookup": {"path": "/v1/jobs?reference={idempotency_key}", "timeout_s": 5, "job_id": "data.0.id"},
}
"""Changes to VENDOR_DOCUMENT for a vendor that knows no idempotency key, and finds jobs by it."""


def vendor_of(changes: Mapping[str, Any] | None = None) -> Vendor:
    """Build a contract; `changes` are values at dotted paths of VENDOR_DOCUMENT."""
    document: Mapping[str, Any] = VENDOR_DOCUMENT
    for path, value in (changes or {}).items():
        document = paths.write(document, path, value)
    return Vendor.from_document(document)


def not_asked() -> str:
    """Stand in for the question after a job, where nobody should be in doubt."""
    raise AssertionError("the vendor was asked for the job")


def place_of(name: str = "call-1") -> CallSite:
    """Return where a call is asked for, of an execution of that name."""
    arn = "arn:aws:states:eu-central-1:123456789012"
    return CallSite(f"{arn}:stateMachine:orders", f"{arn}:execution:orders:{name}", "CallVendor")


TENANT = "tenant-1"
CALL_ID = call_id_of(place_of(), TENANT)
"""Of `request_of()` and `request_body()`, from the group of ORIGIN."""


def request_of(name: str = "call-1", token: str = TOKEN, ends_epoch_s: int | None = None) -> CallRequest:
    place, waiter = place_of(name), Waiter(token)
    call_id = call_id_of(place, TENANT)
    return CallRequest(call_id, attempt_of(waiter), place, "acme", {"text": "Grüße"}, waiter, ends_epoch_s)


def request_body(name: str = "call-1", **changes: Any) -> str:
    """Write a request message as `call_vendor` does; a field changed to None is left out."""
    fields = {
        "format_version": 2,
        "vendor": "acme",
        "call": dict(place_of(name).as_document()),
        "payload": {"text": "Grüße"},
        "task_token": TOKEN,
    } | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def received(body: str, origin: Origin = ORIGIN, sent_epoch_s: float = NOW_MS / 1_000) -> Received:
    return Received(body, origin, sent_epoch_s)


def invocation(request_id: str = "invocation-1") -> LambdaContext:
    """Return the context of an invocation."""
    context = LambdaContext()
    context._aws_request_id = request_id
    return context


def signed(body: str, key: str = WEBHOOK_KEY, message_id: str = "msg_1", at: datetime = SIGNED_AT) -> dict[str, str]:
    """Return the headers with which a vendor signs `body`."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(message_id, at, body),
    }


def callback_record(
    body: str,
    headers: Mapping[str, str],
    vendor: str = "acme",
    message_id: str = "m1",
    received_epoch_s: float = SIGNED_AT.timestamp(),
) -> Any:
    """Return the record of a Lambda event that the mapping template makes of a callback, received as it was signed."""
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    attributes = {
        "vendor": {"stringValue": vendor, "dataType": "String"},
        "headers": {"stringValue": lines, "dataType": "String"},
    }
    sent = base64.b64encode(body.encode()).decode()
    return sqs_record(sent, message_id, int(received_epoch_s * 1_000)) | {"messageAttributes": attributes}


def sqs_record(body: str, message_id: str = "m1", sent_epoch_ms: int = NOW_MS) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(sent_epoch_ms)},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:requests",
        "awsRegion": "eu-central-1",
    }


@dataclass(frozen=True)
class Tables:
    """The two tables of the ledger, for a look behind its back."""

    calls: "Table"
    jobs: "Table"

    def call(self, call_id: str | None = None) -> dict[str, Any]:
        call_id = call_id or CALL_ID
        return dict(self.calls.get_item(Key={CallAttribute.CALL_ID: call_id})["Item"])


class RepeatingTable:
    """A table behind a network that loses the first response of every write: the SDK sends the same request again."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self.get_item = table.get_item

    def table(self) -> "Table":
        return cast("Table", self)

    def update_item(self, **request: Any) -> Any:
        self._table.update_item(**request)
        return self._table.update_item(**request)

    def put_item(self, **request: Any) -> Any:
        self._table.put_item(**request)
        return self._table.put_item(**request)


class WallClock:
    """Epoch milliseconds that move when a test says so."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


class VirtualClock:
    """Both clocks of one worker in one; sleeping is what moves it, and may take longer than asked."""

    def __init__(self, now_us: int = 0, oversleep_us: int = 0) -> None:
        self.now_us = now_us
        self.oversleep_us = oversleep_us
        self.slept_us: list[int] = []

    def monotonic_us(self) -> int:
        return self.now_us

    def epoch_us(self) -> int:
        return self.now_us

    def sleep_us(self, duration_us: int) -> None:
        assert duration_us > 0
        self.slept_us.append(duration_us)
        self.now_us += duration_us + self.oversleep_us


def queued_call(worker: "Worker", permit: dict[str, int], name: str = "call-1") -> dict[str, Any]:
    """Write a request down as its dispatcher does, and return what the caller is handed for it."""
    request = request_of(name)
    worker.ledger.enqueue(request, TENANT, 3_600)
    return {
        "format_version": 2,
        "call_id": request.call_id,
        "attempt": request.attempt,
        "call": request.place.as_document(),
        "payload": {"text": "x"},
        "origin": asdict(ORIGIN),
        "permit": permit,
    }


class FakeTurns:
    """Turns that are always there; they note what they were told, in order."""

    missed_count = 0
    late_count = 0
    cold_count = 0
    full_count = 0
    times: tuple[Sample, ...] = ()

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.cool_downs: Counter[Reason] = Counter()

    def take(self, ready: Callable[[], None] = lambda: None) -> None:
        self.told.append("take")
        ready()

    def answered(self) -> None:
        self.told.append("answered")

    def refused(self, cool_down: CoolDown) -> None:
        self.told.append(("refused", cool_down.asked_s))

    def failed(self) -> None:
        self.told.append("failed")

    def announced(self, limits: Sequence[Announced]) -> None:
        self.told.append(("announced", *limits))

    def succeeded(self, cool_down: CoolDown | None) -> None:
        self.told.append("succeeded" if cool_down is None else ("succeeded", cool_down.asked_s))

    def report(self) -> None:
        self.told.append("report")


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def client_error(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS would say"}}, operation)


class AwsClient:
    """What the fakes share: a journal of effects, and errors that a test lets happen once each."""

    service: str

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.errors: list[Exception] = []

    def _called(self, operation: str, params: dict[str, Any]) -> None:
        shape = _model(self.service).operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(params, shape)
        assert not report.has_errors(), report.generate_report()
        if self.errors:
            raise self.errors.pop(0)

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of an operation that took effect."""
        return [params for name, params in self.sent if name == operation]


class FakeStepFunctions(AwsClient):
    """Waiting tasks by token: one SendTask* ends one, and from then on its token has timed out."""

    service = "stepfunctions"

    def __init__(self, *waiting: str) -> None:
        super().__init__()
        self.waiting = set(waiting)
        self.ended: set[str] = set()

    def client(self) -> "SFNClient":
        return cast("SFNClient", self)

    def waiters(self) -> TaskTokens:
        return TaskTokens(self.client())

    def end(self, token: str) -> None:
        """End a task as its timeout does."""
        self.waiting.remove(token)
        self.ended.add(token)

    def send_task_success(self, **params: Any) -> None:
        assert len(params["output"].encode()) <= 262_144
        json.loads(params["output"])
        self._settle("SendTaskSuccess", params)

    def send_task_failure(self, **params: Any) -> None:
        assert len(params.get("error", "")) <= 256
        assert len(params.get("cause", "")) <= 32_768
        self._settle("SendTaskFailure", params)

    def send_task_heartbeat(self, **params: Any) -> None:
        self._task("SendTaskHeartbeat", params)
        self.sent.append(("SendTaskHeartbeat", params))

    def start_execution(self, **params: Any) -> dict[str, Any]:
        self._called("StartExecution", params)
        assert len(params["input"].encode()) <= 262_144
        self.sent.append(("StartExecution", params))
        return {"executionArn": "arn:aws:states:eu-central-1:123456789012:express:dispatch:1:1"}

    def _settle(self, operation: str, params: dict[str, Any]) -> None:
        self._task(operation, params)
        self.end(params["taskToken"])
        self.sent.append((operation, params))

    def _task(self, operation: str, params: dict[str, Any]) -> None:
        self._called(operation, params)
        if params["taskToken"] not in self.waiting:
            raise client_error(operation, "TaskTimedOut" if params["taskToken"] in self.ended else "InvalidToken")


class FakeSqs(AwsClient):
    """A queue and an urgent one beside it: what was sent to them, what waits in them, and the groups of some of it."""

    service = "sqs"

    def __init__(self, *bodies: str) -> None:
        super().__init__()
        self.waiting = {f"receipt-{number}": body for number, body in enumerate(bodies, start=1)}
        self.urgent: dict[str, str] = {}
        self.groups: dict[str, str] = {}

    def client(self) -> "SQSClient":
        return cast("SQSClient", self)

    def send_message(self, **params: Any) -> None:
        self._called("SendMessage", params)
        for name, attribute in params.get("MessageAttributes", {}).items():
            assert attribute["StringValue"], f"SQS refuses the empty attribute {name}"
        assert params["MessageBody"], "SQS refuses an empty body"
        self.sent.append(("SendMessage", params))

    def receive_message(self, **params: Any) -> dict[str, Any]:
        self._called("ReceiveMessage", params)
        asked = params.get("MessageSystemAttributeNames", [])
        messages: list[dict[str, Any]] = [
            {"ReceiptHandle": receipt, "Body": body, "Attributes": self._attributes(receipt, asked)}
            for receipt, body in self._queue(params).items()
        ]
        taken = messages[: params.get("MaxNumberOfMessages", 1)]
        return {"Messages": taken} if taken else {}

    def _attributes(self, receipt: str, asked: list[str]) -> dict[str, str]:
        group = {"MessageGroupId": self.groups[receipt]} if receipt in self.groups else {}
        return {name: value for name, value in ({"SentTimestamp": str(NOW_MS)} | group).items() if name in asked}

    def delete_message(self, **params: Any) -> None:
        self._called("DeleteMessage", params)
        del self._queue(params)[params["ReceiptHandle"]]

    def _queue(self, params: Mapping[str, Any]) -> dict[str, str]:
        return self.urgent if params.get("QueueUrl", "").endswith("/urgent") else self.waiting


class FakeS3(AwsClient):
    """A bucket of JSON texts."""

    service = "s3"

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    def put_object(self, **params: Any) -> None:
        self._called("PutObject", params)
        self.sent.append(("PutObject", params))
        self.objects[f"{params['Bucket']}/{params['Key']}"] = params["Body"]

    def get_object(self, **params: Any) -> dict[str, Any]:
        self._called("GetObject", params)
        try:
            return {"Body": BytesIO(self.objects[f"{params['Bucket']}/{params['Key']}"])}
        except KeyError:
            raise client_error("GetObject", "AccessDenied") from None

    def claims(self) -> Claims:
        return Claims(cast("S3Client", self), CLAIMS_BUCKET)


class FakeVendor:
    """A vendor behind the proxy: answers a script, repeats its last line, keeps every request."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="https://proxy.example/live", transport=httpx.MockTransport(self))

    def proxy(self, credential: Credential | None = None, token: str | None = None) -> Proxy:
        return Proxy(self.client(), credential, token)

    @property
    def documents(self) -> list[Any]:
        """Return the bodies as the vendor reads them."""
        return [json.loads(request.content) for request in self.requests]


@dataclass
class FakeProfiles:
    """A contract and an operator's tuning, without AppConfig."""

    contract: Vendor
    pace: Tuning = field(default_factory=lambda: Tuning(delay_ms=0, rate_per_s=1_000, headroom_ms=15))
    tuned: bool = True

    def vendor(self, name: str) -> Vendor:
        assert name == self.contract.name
        return self.contract

    def tuning(self, vendor: Vendor) -> Tuning:
        assert vendor is self.contract
        if not self.tuned:
            raise TuningUnknown("AppConfig has not told the tuning", retry_after_s=15)
        return self.pace


@dataclass
class Worker:
    """What surrounds a handler in a worker: everything outside of it is fake, except for the ledger's tables."""

    tables: Tables
    ledger: Ledger
    step_functions: FakeStepFunctions
    sqs: FakeSqs
    s3: FakeS3
    vendor: FakeVendor
    profiles: FakeProfiles
    secrets: dict[str, str]
    clock: VirtualClock
    reservations: MemoryReservationStore
    in_flight: MemoryInFlightStore

    def busy(self) -> None:
        """Let another call wait for its slot already: on an idle budget nobody is started ahead of time."""
        contract, pace, clock = self.profiles.contract, self.profiles.pace, self.clock
        budget = budget_of(self.reservations, contract, Scope.SUBMIT, pace, clock.epoch_us, clock.sleep_us)
        assert budget is not None
        budget.reserve(1, LEAD_US)


def metrics(output: str) -> Mapping[str, Any]:
    """Return the one metrics line in the output of an invocation, dimensions and values by name."""
    documents: list[Mapping[str, Any]] = [json.loads(line) for line in output.splitlines()]
    (line,) = [document for document in documents if "_aws" in document]
    return line


def most_in_any_window(times_us: list[int], window_us: int) -> int:
    """Return the largest number of calls in any half-open window; only windows that start at a call can be fullest."""
    inside: list[int] = []
    most = 0
    for time_us in sorted(times_us):
        heapq.heappush(inside, time_us)
        while inside[0] <= time_us - window_us:
            heapq.heappop(inside)
        most = max(most, len(inside))
    return most

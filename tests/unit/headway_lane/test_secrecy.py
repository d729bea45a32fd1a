"""What a worker writes to its log: never a token, a secret, a payload or a body."""

import base64
import json
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import handler as callback
from headway_lane.caller import handler as caller
from headway_lane.dispatcher import handler as dispatcher
from headway_lane.messages.identity import attempt_of, call_id_of
from headway_lane.messages.waiter import Waiter
from headway_lane.results import handler as results
from headway_lane.runtime.names import CREDENTIAL_HEADER
from headway_lane.settling import handler as settling

from tests.unit.headway_lane.fakes import (
    ORIGIN,
    Worker,
    callback_record,
    client_error,
    invocation,
    place_of,
    request_body,
    signed,
    sqs_record,
)

MARK = "marked-7f3a"
CONTEXT = LambdaContext()
TASK_TOKEN = f"task-token-{MARK}"
API_TOKEN = f"api-token-{MARK}"
WEBHOOK_KEY = "whsec_" + base64.b64encode(f"{MARK}-webhook-key-0123456".encode()).decode()
PAYLOAD = {"text": f"payload-{MARK}"}
SECRETS = (MARK, WEBHOOK_KEY, WEBHOOK_KEY.removeprefix("whsec_"))


def id_of(name: str) -> str:
    """Return the ID of a call that was asked for in no message group, as an event source mapping delivers it here."""
    return call_id_of(place_of(name), "")


def call_input(name: str) -> dict[str, Any]:
    return {
        "format_version": 2,
        "call_id": id_of(name),
        "attempt": attempt_of(Waiter(TASK_TOKEN)),
        "call": dict(place_of(name).as_document()),
        "vendor": "acme",
        "payload": PAYLOAD,
        "origin": asdict(ORIGIN),
    }


def called(name: str, request_id: str = "invocation-1") -> dict[str, Any]:
    return caller.call(call_input(name), invocation(request_id))


def callback_of(job_id: str, status: str, key: str = WEBHOOK_KEY) -> dict[str, Any]:
    body = json.dumps({"id": job_id, "status": status, "output": f"body-{MARK}"})
    record: dict[str, Any] = callback_record(body, signed(body, key))
    return record


def run_everything(worker: Worker) -> None:
    """Bring calls through every handler, on good ways and bad ones."""
    for name in ("call-1", "call-2", "call-3", "call-5", "call-6", "call-4"):
        body = request_body(name, payload=PAYLOAD, task_token=TASK_TOKEN)
        dispatcher.dispatch({"Records": [sqs_record(body)]}, CONTEXT)
    malformed = request_body(payload=f"payload-{MARK}", task_token=TASK_TOKEN)
    dispatcher.dispatch({"Records": [sqs_record(malformed), sqs_record(f"{{{MARK}", "m2")]}, CONTEXT)
    worker.sqs.waiting = {"receipt-1": malformed, "receipt-2": body}
    dispatcher.dispatch({"batch_size": 10}, CONTEXT)
    ended = request_body("call-7", payload=PAYLOAD, task_token=TASK_TOKEN, ends_epoch_s=1)
    newer = f'{{"format_version": 9, "{MARK}": 1}}'
    dispatcher.dispatch({"Records": [sqs_record(ended), sqs_record(newer, "m2")]}, CONTEXT)

    worker.step_functions.waiting.add(TASK_TOKEN)
    assert called("call-1")["outcome"] == "accepted"
    assert called("call-1", "invocation-2")["outcome"] == "accepted"
    worker.vendor.answers = [httpx.Response(422, text=f"no such text: payload-{MARK}")]
    refusal = called("call-2")
    settling.settle({"call": call_input("call-2"), "error": refusal["error"], "cause": refusal["cause"]}, CONTEXT)
    assert called("call-5")["outcome"] == "expired"
    worker.step_functions.waiting.add(TASK_TOKEN)
    worker.step_functions.errors.append(client_error("SendTaskHeartbeat", "ThrottlingException"))
    worker.vendor.answers = [httpx.Response(429, text=f"slow down, api-token-{MARK}")]
    assert called("call-3")["outcome"] == "deferred"
    api_token = worker.secrets.pop("arn:api-token")
    assert called("call-6")["outcome"] == "unready"
    worker.secrets["arn:api-token"] = api_token
    settling.settle({"recover": call_input("call-6"), "because": "Lambda.Unknown"}, CONTEXT)

    for status, key in (("processing", WEBHOOK_KEY), ("succeeded", "whsec_d3Jvbmc="), (f"x-{MARK}", WEBHOOK_KEY)):
        callback.receive({"Records": [callback_of("job-1", status, key)]}, CONTEXT)
    worker.step_functions.errors.append(client_error("SendTaskSuccess", "ThrottlingException"))
    for _ in range(3):
        callback.receive({"Records": [callback_of("job-1", "succeeded")]}, CONTEXT)
    callback.receive({"Records": [callback_of("job-2", "succeeded"), sqs_record(f"body-{MARK}")]}, CONTEXT)
    attempt = attempt_of(Waiter(TASK_TOKEN))
    worker.ledger.begin(id_of("call-4"), attempt, "invocation-1", 40)
    worker.ledger.accept(id_of("call-4"), attempt, "job-2")
    settling.settle({"vendor": "acme", "job_id": "job-2", "call_id": id_of("call-4")}, CONTEXT)

    fetch = {
        "kind": "fetch",
        "call_id": id_of("call-1"),
        "job_id": "job-1",
        "status": "succeeded",
        "task_token": TASK_TOKEN,
    }
    answers = (
        httpx.Response(503, text=f"body-{MARK}"),
        httpx.Response(200, json={"output": f"body-{MARK}"}),
        httpx.Response(404, text=f"body-{MARK}"),
    )
    for answer in answers:
        worker.step_functions.waiting.add(TASK_TOKEN)
        worker.vendor.answers = [answer]
        results.find({"Records": [sqs_record(json.dumps(fetch))]}, CONTEXT)
    results.find({"Records": [sqs_record(json.dumps(fetch | {"job_id": 7})), sqs_record(f"{{{MARK}")]}, CONTEXT)


def test_no_log_line_and_no_metric_holds_a_token_a_secret_a_payload_or_a_body(
    worker: Worker, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    worker.secrets.update({"arn:api-token": API_TOKEN, "arn:webhook-key": WEBHOOK_KEY})
    worker.step_functions.waiting.add(TASK_TOKEN)
    run_everything(worker)
    captured = capsys.readouterr()
    written = captured.out + captured.err + caplog.text
    phrases = {json.loads(line).get("message") for line in captured.out.splitlines()} - {None}
    assert phrases == {
        "request malformed",
        "task ended in the queue",
        "newer format left alone",
        "call dispatched",
        "call made",
        "call not ready",
        "caller failed",
        "waiter not asked",
        "call rejected",
        "callback not ready",
        "callback received",
        "callback refused",
        "early answer settled",
        "result rejected",
        "results message taken",
        "fetch requeued",
        "results message broke off",
    }
    assert not [secret for secret in SECRETS if secret in written]


def test_the_marks_did_travel(worker: Worker) -> None:
    """Without this, the test above would hold for handlers that do nothing."""
    worker.secrets.update({"arn:api-token": API_TOKEN, "arn:webhook-key": WEBHOOK_KEY})
    worker.step_functions.waiting.add(TASK_TOKEN)
    run_everything(worker)
    assert MARK in str(worker.step_functions.sent)
    assert MARK in str(worker.sqs.of("SendMessage"))
    assert {request.headers[CREDENTIAL_HEADER] for request in worker.vendor.requests} == {f"Bearer {API_TOKEN}"}

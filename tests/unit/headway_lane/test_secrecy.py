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
from headway_lane.results import handler as results
from headway_lane.runtime.names import CREDENTIAL_HEADER
from headway_lane.settling import handler as settling

from tests.unit.headway_lane.fakes import (
    ORIGIN,
    Worker,
    callback_record,
    client_error,
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


def call_input(call_id: str) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "lease_owner": "owner-1",
        "idempotency_key": f"{call_id}-key",
        "payload": PAYLOAD,
        "origin": asdict(ORIGIN),
    }


def callback_of(job_id: str, status: str, key: str = WEBHOOK_KEY) -> dict[str, Any]:
    body = json.dumps({"id": job_id, "status": status, "output": f"body-{MARK}"})
    record: dict[str, Any] = callback_record(body, signed(body, key))
    return record


def run_everything(worker: Worker) -> None:
    """Bring calls through every handler, on good ways and bad ones."""
    for call_id in ("call-1", "call-2", "call-3", "call-5", "call-4"):
        body = request_body(call_id=call_id, payload=PAYLOAD, task_token=TASK_TOKEN)
        dispatcher.dispatch({"Records": [sqs_record(body)]}, CONTEXT)
    malformed = request_body(payload=f"payload-{MARK}", task_token=TASK_TOKEN)
    dispatcher.dispatch({"Records": [sqs_record(malformed), sqs_record(f"{{{MARK}")]}, CONTEXT)
    worker.sqs.waiting = {"receipt-1": malformed, "receipt-2": body}
    dispatcher.dispatch({"batch_size": 10}, CONTEXT)

    worker.step_functions.waiting.add(TASK_TOKEN)
    assert caller.call(call_input("call-1"), CONTEXT)["outcome"] == "accepted"
    assert caller.call(call_input("call-1") | {"lease_owner": "owner-2"}, CONTEXT)["outcome"] == "duplicate"
    worker.vendor.answers = [httpx.Response(422, text=f"no such text: payload-{MARK}")]
    refusal = caller.call(call_input("call-2"), CONTEXT)
    settling.settle({"call": call_input("call-2"), "error": refusal["error"], "cause": refusal["cause"]}, CONTEXT)
    assert caller.call(call_input("call-5"), CONTEXT)["outcome"] == "expired"
    worker.step_functions.waiting.add(TASK_TOKEN)
    worker.step_functions.errors.append(client_error("SendTaskHeartbeat", "ThrottlingException"))
    worker.vendor.answers = [httpx.Response(429, text=f"slow down, api-token-{MARK}")]
    assert caller.call(call_input("call-3"), CONTEXT)["outcome"] == "deferred"

    for status, key in (("processing", WEBHOOK_KEY), ("succeeded", "whsec_d3Jvbmc="), (f"x-{MARK}", WEBHOOK_KEY)):
        callback.receive({"Records": [callback_of("job-1", status, key)]}, CONTEXT)
    worker.step_functions.errors.append(client_error("SendTaskSuccess", "ThrottlingException"))
    for _ in range(3):
        callback.receive({"Records": [callback_of("job-1", "succeeded")]}, CONTEXT)
    callback.receive({"Records": [callback_of("job-2", "succeeded"), sqs_record(f"body-{MARK}")]}, CONTEXT)
    worker.ledger.begin("call-4", "owner-1", 40)
    worker.ledger.accept("call-4", "job-2")
    settling.settle({"vendor": "acme", "job_id": "job-2", "call_id": "call-4"}, CONTEXT)

    fetch = {"kind": "fetch", "call_id": "call-1", "job_id": "job-1", "status": "succeeded", "task_token": TASK_TOKEN}
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
        "call made",
        "waiter not asked",
        "call rejected",
        "callback received",
        "callback refused",
        "early answer settled",
        "result rejected",
        "fetch made",
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

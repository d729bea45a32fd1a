"""The callback function: refused callbacks are put aside with their reason, broken moments come back."""

import hmac
import json
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import batch, handler
from headway_lane.callback.inbox import CallbackOutcome
from headway_lane.ledger.store import Ledger
from headway_lane.runtime.errors import Refused
from headway_lane.runtime.names import Environment

from tests.unit.headway_lane.calls import joined
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    SIGNED_AT,
    TOKEN,
    WEBHOOK_KEY,
    WallClock,
    Worker,
    callback_record,
    client_error,
    metrics,
    signed,
    sqs_record,
    vendor_of,
)

SUCCEEDED = '{"id": "job-1", "status": "succeeded"}'
LIMITED = {
    "limits": [
        {"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"},
        {"quantity": "jobs_in_flight", "amount": 3},
    ]
}
OTHER_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture(autouse=True)
def accepted(worker: Worker) -> None:
    joined(worker.ledger)


def handle(*records: dict[str, Any]) -> list[str]:
    """Return the messages of a batch that come back to the queue."""
    response = handler.receive({"Records": list(records)}, LambdaContext())
    return [str(failure["itemIdentifier"]) for failure in response["batchItemFailures"]]


def genuine(body: str, message_id: str = "m1") -> dict[str, Any]:
    record: dict[str, Any] = callback_record(body, signed(body), message_id=message_id)
    return record


def test_a_callback_resumes_its_task_and_is_counted(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    assert handle(genuine(SUCCEEDED)) == []
    assert [params["taskToken"] for params in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]
    assert metrics(capsys.readouterr().out).items() >= {"vendor": "acme", "CallbacksResumed": [1.0]}.items()


def test_an_answer_frees_the_in_flight_permit_of_a_vendor_with_a_limit_and_asks_nothing_for_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle(genuine(SUCCEEDED))
    assert worker.in_flight.request_count == 0
    worker.profiles.contract = vendor_of(LIMITED)
    monkeypatch.setenv(Environment.IN_FLIGHT_TABLE, "Budgets")  # which the stack binds for such a contract
    worker.in_flight.budgets["acme#in_flight"] = {CALL_ID: 9, "call-2": 9}
    handle(genuine(SUCCEEDED))
    assert worker.in_flight.budgets["acme#in_flight"] == {"call-2": 9}


def test_a_forged_callback_is_put_aside_with_its_reason_and_does_not_come_back(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    record = callback_record(SUCCEEDED, signed(SUCCEEDED, OTHER_KEY))
    assert handle(record) == []
    (message,) = worker.sqs.of("SendMessage")
    assert message == {
        "QueueUrl": "https://sqs.example/callback-dlq",
        "MessageBody": record["body"],
        "MessageAttributes": {
            "vendor": {"DataType": "String", "StringValue": "acme"},
            "headers": {"DataType": "String", "StringValue": record["messageAttributes"]["headers"]["stringValue"]},
            "received_epoch_s": {"DataType": "String", "StringValue": str(SIGNED_AT.timestamp())},
            "outcome": {"DataType": "String", "StringValue": "Forged"},
            "reason": {"DataType": "String", "StringValue": "no signature matches a key"},
        },
    }
    assert worker.step_functions.sent == []
    assert metrics(capsys.readouterr().out)["CallbacksForged"] == [1.0]


def test_a_malformed_callback_is_put_aside_with_its_reason_and_does_not_come_back(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handle(genuine('{"id": "job-1", "status": "exploded"}')) == []
    (message,) = worker.sqs.of("SendMessage")
    assert message["MessageAttributes"]["outcome"]["StringValue"] == "Malformed"
    reason = "the callback's `status` is in none of the contract's lists"
    assert message["MessageAttributes"]["reason"]["StringValue"] == reason
    assert metrics(capsys.readouterr().out)["CallbacksMalformed"] == [1.0]


def test_a_message_that_did_not_come_through_the_callback_api_is_put_aside_with_its_reason(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handle(sqs_record(SUCCEEDED), genuine(SUCCEEDED, "m2")) == []
    (message,) = worker.sqs.of("SendMessage")
    assert message["MessageBody"] == SUCCEEDED
    assert {name: attribute["StringValue"] for name, attribute in message["MessageAttributes"].items()} == {
        "vendor": "unknown",
        "received_epoch_s": str(NOW_MS / 1_000),
        "outcome": "Malformed",
        "reason": "the message has no attribute 'vendor': it did not come through the callback API",
    }
    assert len(worker.step_functions.sent) == 1, "the other message of the batch is taken"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = {line["vendor"]: line for line in lines if "_aws" in line}
    assert counted["unknown"]["CallbacksMalformed"] == [1.0]
    assert counted["acme"]["CallbacksResumed"] == [1.0]


def test_a_callback_that_cannot_be_processed_now_comes_back_and_is_counted(
    worker: Worker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Ledger, "join_answer", lambda *_: (_ for _ in ()).throw(client_error("UpdateItem", "Throttled"))
    )
    assert handle(genuine(SUCCEEDED, "m2")) == ["m2"]
    assert metrics(capsys.readouterr().out)["CallbacksUnready"] == [1.0]


@pytest.mark.parametrize("waited_s", [0, 3_600, 14 * 24 * 3_600])
def test_a_callback_that_waited_in_a_queue_for_its_redrive_is_as_good_as_on_the_first_day(
    worker: Worker, waited_s: int, wall_clock: WallClock
) -> None:
    wall_clock.now_ms = int(SIGNED_AT.timestamp() + waited_s) * 1_000
    assert handle(genuine(SUCCEEDED)) == []
    assert len(worker.step_functions.of("SendTaskSuccess")) == 1


def test_a_callback_that_was_replayed_long_after_its_signature_is_forged(worker: Worker) -> None:
    replayed = callback_record(SUCCEEDED, signed(SUCCEEDED), received_epoch_s=SIGNED_AT.timestamp() + 301)
    assert handle(replayed) == []
    (message,) = worker.sqs.of("SendMessage")
    assert message["MessageAttributes"]["reason"]["StringValue"] == "webhook-timestamp is old"
    assert worker.step_functions.sent == []


def test_a_dead_letter_that_is_sent_back_is_as_old_as_when_it_first_came(worker: Worker) -> None:
    handle(callback_record(SUCCEEDED, signed(SUCCEEDED, OTHER_KEY)))
    (dead_letter,) = worker.sqs.of("SendMessage")
    came = dead_letter["MessageAttributes"]
    again = sqs_record(dead_letter["MessageBody"], sent_epoch_ms=int(SIGNED_AT.timestamp() + 86_400) * 1_000) | {
        "messageAttributes": {name: {"stringValue": came[name]["StringValue"], "dataType": "String"} for name in came}
    }
    worker.secrets["arn:webhook-key"] = f"{WEBHOOK_KEY} {OTHER_KEY}"
    assert handle(again) == []
    assert len(worker.step_functions.of("SendTaskSuccess")) == 1, "the key was entered a day later"


def test_a_callback_without_a_body_can_be_put_aside_too(worker: Worker) -> None:
    assert handle(callback_record("", {})) == []
    assert [message["MessageBody"] for message in worker.sqs.of("SendMessage")] == ["(empty)"]


def test_a_body_that_fills_the_queue_is_cut_to_make_room_for_the_reason(worker: Worker) -> None:
    assert handle(callback_record("ü" * (512 * 1_024), {})) == []
    (message,) = worker.sqs.of("SendMessage")
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["reason"].endswith("; the body is cut")
    spoken = "".join(f"{name}String{value}" for name, value in attributes.items())
    assert 1_000_000 < len(f"{message['MessageBody']}{spoken}".encode()) <= 1_048_576


def test_a_callback_that_could_not_be_processed_now_comes_back_alone(worker: Worker) -> None:
    worker.step_functions.errors.append(client_error("SendTaskSuccess", "ThrottlingException"))
    progress = genuine('{"id": "job-1", "status": "processing"}', "m2")
    assert handle(genuine(SUCCEEDED, "m1"), progress, callback_record("x", {}, message_id="m3")) == ["m1"]
    assert len(worker.sqs.sent) == 1
    assert handle(genuine(SUCCEEDED, "m1")) == []
    assert len(worker.step_functions.of("SendTaskSuccess")) == 1


def test_a_refusal_that_cannot_be_put_aside_comes_back(worker: Worker) -> None:
    worker.sqs.errors.append(client_error("SendMessage", "ServiceUnavailable"))
    assert handle(callback_record("x", {})) == ["m1"]


def test_every_outcome_of_a_batch_is_counted_under_its_vendor(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    early = '{"id": "job-2", "status": "failed"}'
    handle(
        genuine('{"id": "job-1", "status": "processing"}', "m1"),
        genuine(SUCCEEDED, "m2"),
        genuine(SUCCEEDED, "m3"),
        genuine(early, "m4"),
        callback_record(SUCCEEDED, {}, message_id="m5"),
    )
    counted = {name: value for name, value in metrics(capsys.readouterr().out).items() if name.startswith("Callbacks")}
    assert counted == {
        "CallbacksHeartbeat": [1.0],
        "CallbacksResumed": [1.0],
        "CallbacksDuplicate": [1.0],
        "CallbacksEarly": [1.0],
        "CallbacksForged": [1.0],
    }


@pytest.mark.parametrize("secret", [f"{OTHER_KEY} {WEBHOOK_KEY}", f"{WEBHOOK_KEY}\n{OTHER_KEY}\n"])
def test_two_keys_in_the_secret_are_both_valid_during_a_rotation(worker: Worker, secret: str) -> None:
    worker.secrets["arn:webhook-key"] = secret
    assert handle(genuine(SUCCEEDED)) == []
    assert len(worker.step_functions.sent) == 1


def test_with_an_empty_secret_no_callback_is_accepted(worker: Worker) -> None:
    worker.secrets["arn:webhook-key"] = " "
    assert handle(genuine(SUCCEEDED)) == []
    assert worker.step_functions.sent == []
    assert len(worker.sqs.sent) == 1


def test_every_outcome_and_every_refusal_has_a_metric_of_its_own() -> None:
    assert set(batch.METRICS) == set(CallbackOutcome)
    assert set(batch.REFUSALS) == set(Refused.__subclasses__())
    assert len({*batch.METRICS.values(), *batch.REFUSALS.values()}) == len(CallbackOutcome) + 2


def test_a_callback_that_no_key_can_verify_is_put_aside_with_a_hint_for_who_enters_the_key(worker: Worker) -> None:
    worker.secrets["arn:webhook-key"] = '{\n  "key": "' + WEBHOOK_KEY + '"\n}'
    assert handle(genuine(SUCCEEDED)) == []
    (message,) = worker.sqs.of("SendMessage")
    assert "begins as JSON does" in message["MessageAttributes"]["reason"]["StringValue"]
    assert WEBHOOK_KEY not in str(message["MessageAttributes"])


def test_all_refusals_of_a_worker_go_out_by_one_client(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    client: Any = boto3.client

    def make(name: str, **options: Any) -> Any:
        made.append(name)
        return client(name, **options)

    monkeypatch.setattr("boto3.client", make)
    for _ in range(3):
        handle(*(callback_record("x", {}, message_id=f"m{number}") for number in range(3)))
    assert len(worker.sqs.of("SendMessage")) == 9
    assert made.count("sqs") == 1


def test_a_callback_is_verified_as_the_contract_describes(worker: Worker) -> None:
    signature = {"algorithm": "hmac-sha256", "header": "X-Acme-Signature", "prefix": "sha256="}
    worker.profiles.contract = vendor_of({"callback.verification": signature})
    worker.secrets["arn:webhook-key"] = '["It\'s a Secret to Everybody"]'
    digest = hmac.new(b"It's a Secret to Everybody", SUCCEEDED.encode(), "sha256").hexdigest()
    given = f"sha256={digest}"
    assert handle(callback_record(SUCCEEDED, {"x-acme-signature": f"{given[:-1]}x"})) == []
    assert worker.step_functions.of("SendTaskSuccess") == []
    assert handle(callback_record(SUCCEEDED, {"x-acme-signature": given})) == []
    assert [params["taskToken"] for params in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]

"""One call through all eleven steps of the reference architecture, with the evidence that each of them leaves."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from headway_cdk.configuration import load_vendors
from headway_cdk.hidden_headers import HIDDEN
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract import limits
from headway_lane.contract.tuning import Tuning
from headway_lane.limiter.delay import pause_us
from headway_lane.runtime.names import TUNING_PROFILE
from starlette.types import Receive, Scope, Send

from headway.simulator.ingress import CONTROL_PREFIX, Ingress
from headway.testing.laboratory import VENDOR, Laboratory
from headway.testing.waiting import until

PAYLOAD = {"version": "v1", "input": {"prompt": "a lighthouse in fog"}}
NAME = "eleven-steps"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Note the headers of every request that the vendor hears: it runs in a thread of this process."""
    noted: list[dict[str, str]] = []
    call = Ingress.__call__

    async def note(ingress: Ingress, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL_PREFIX):
            noted.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await call(ingress, scope, receive, send)

    monkeypatch.setattr(Ingress, "__call__", note)
    return noted


def test_one_call_leaves_its_evidence_at_each_of_the_eleven_steps(lab: Laboratory, heard: list[dict[str, str]]) -> None:
    with lab.held(lab.callbacks.function):
        with lab.held(lab.lane.dispatcher_function):
            arn = lab.start(NAME, PAYLOAD)
            step_1_the_workflow_pauses_on_a_task_token(lab, arn)
            token = step_2_the_request_waits_in_the_queue(lab, arn)
        record = step_3_the_dispatcher_started_an_express_execution(lab, arn)
        step_4_the_call_was_paced_by_the_delay_in_appconfig(lab, record)
        step_5_the_request_went_through_the_proxy(lab)
        step_5_nothing_of_our_role_went_with_it(lab, heard)
        job_id = step_6_the_vendor_accepted_and_gave_a_job_id(lab)
        step_7_the_job_id_is_mapped_to_the_task_token(lab, job_id, token)
        body = steps_8_and_9_the_webhook_put_the_callback_into_the_queue(lab, job_id)
        assert json.loads(body)["status"] == "succeeded"
        assert lab.execution(arn)["status"] == "RUNNING"
    end = lab.end_of(arn)
    step_10_the_callback_resumed_the_execution(lab, arn)
    step_11_the_result_was_fetched_and_delivered(lab, end, job_id)


def step_1_the_workflow_pauses_on_a_task_token(lab: Laboratory, arn: str) -> None:
    history = until(lambda: _events(lab, arn, "TaskScheduled"))
    assert history[0]["taskScheduledEventDetails"]["resource"].endswith("sendMessage.waitForTaskToken")
    assert lab.execution(arn)["status"] == "RUNNING"


def step_2_the_request_waits_in_the_queue(lab: Laboratory, arn: str) -> str:
    until(lambda: lab.depth(lab.lane.request_queue_url) == 1)
    [message] = lab.messages(lab.lane.request_queue_url)
    request = json.loads(message["Body"])
    token: str = request.pop("task_token")
    assert request == {
        "format_version": 2,
        "vendor": VENDOR,
        "call": {
            "machine": lab.lane.call_vendor_machine_arn,
            "execution": arn,
            "state": "CallVendor",
        },
        "payload": PAYLOAD,
    }
    assert token
    assert not lab.record(NAME), "nothing is recorded before the dispatcher has the message"
    return token


def step_3_the_dispatcher_started_an_express_execution(lab: Laboratory, arn: str) -> dict[str, Any]:
    record = until(lambda: (found := lab.record(NAME)).get("state") == "accepted" and found)
    express = until(lambda: (found := lab.last_dispatch())["status"] != "RUNNING" and found)
    workflow_name = lab.lane.call_vendor_machine_arn.rpartition(":")[2]
    assert express["status"] == "SUCCEEDED"
    assert express["stateMachineArn"] == lab.lane.dispatch_machine_arn
    given = json.loads(express["input"])
    assert given.pop("ends_epoch_s") > time.time(), "when the task ends unless it hears from us"
    assert given == {
        "format_version": 2,
        "call_id": lab.call_id(NAME),
        "attempt": record["attempt"],
        "call": {"machine": lab.lane.call_vendor_machine_arn, "execution": arn, "state": "CallVendor"},
        "vendor": VENDOR,
        "payload": PAYLOAD,
        "origin": {"queue_url": lab.lane.request_queue_url, "group": workflow_name},
        "permit": {},
    }, "the task token stays in the ledger"
    return dict(record)


def step_4_the_call_was_paced_by_the_delay_in_appconfig(lab: Laboratory, record: dict[str, Any]) -> None:
    tuning = _tuning_in_appconfig(lab)
    [files] = load_vendors(EXAMPLE_CONFIGURATION)
    assert tuning == Tuning.from_document(files.tuning)
    pause = pause_us(tuning, files.vendor.max_rps(limits.Scope.SUBMIT), files.vendor.dispatch.maximum_concurrency)
    waited_ms = int(record["dispatching_epoch_ms"]) - int(record["queued_epoch_ms"])
    assert waited_ms * 1_000 >= pause, "a worker's first call waits out its whole pause"


def step_5_the_request_went_through_the_proxy(lab: Laboratory) -> None:
    caller = lab.target.client("lambda").get_function_configuration(FunctionName=lab.lane.caller_function)
    environment = caller["Environment"]["Variables"]
    assert "/_aws/execute-api/" in environment["HEADWAY_PROXY_URL"]
    assert lab.vendor.url not in environment.values(), "the proxy is the only way that the caller knows"
    api_id = environment["HEADWAY_PROXY_URL"].split("/")[-2]
    gateway = lab.target.client("apigateway")
    [proxy] = [item for item in gateway.get_resources(restApiId=api_id)["items"] if item["path"] == "/{proxy+}"]
    integration = gateway.get_integration(restApiId=api_id, resourceId=proxy["id"], httpMethod="POST")
    assert integration["type"] == "HTTP_PROXY"
    assert integration["uri"] == f"{lab.vendor.url}/{{proxy}}"
    assert lab.vendor.report().as_json()["scopes"]["submit"]["call_count"] == 1


def step_5_nothing_of_our_role_went_with_it(lab: Laboratory, heard: list[dict[str, str]]) -> None:
    [headers] = heard
    assert headers["authorization"] == f"Bearer {lab.vendor.keys.api_token}"
    hidden = [name.rpartition(".")[2].lower() for name in HIDDEN]
    assert {name: headers.get(name, "none") for name in hidden} == dict.fromkeys(hidden, "none")
    assert not [name for name, value in headers.items() if "AWS4-HMAC-SHA256" in value]
    assert [name for name in headers if name.startswith("x-amz-") and name not in hidden] == []


def step_6_the_vendor_accepted_and_gave_a_job_id(lab: Laboratory) -> str:
    job_id: str = lab.record(NAME)["job_id"]
    job = httpx.get(
        f"{lab.vendor.url}/v1/predictions/{job_id}", headers={"Authorization": f"Bearer {lab.vendor.keys.api_token}"}
    ).json()
    assert job["input"] == PAYLOAD["input"]
    return job_id


def step_7_the_job_id_is_mapped_to_the_task_token(lab: Laboratory, job_id: str, token: str) -> None:
    item = lab.target.client("dynamodb").get_item(
        TableName=lab.lane.jobs_table, Key={"job_key": {"S": f"{VENDOR}#{job_id}"}}, ConsistentRead=True
    )["Item"]
    assert item["call_ids"]["SS"] == [lab.call_id(NAME)]
    assert lab.record(NAME)["waiter"] == token


def steps_8_and_9_the_webhook_put_the_callback_into_the_queue(lab: Laboratory, job_id: str) -> bytes:
    queue_url = lab.callbacks.queue_url
    until(lambda: lab.depth(queue_url) == 2)  # the start of the job, and its end
    bodies = {base64.b64decode(message["Body"]): message for message in lab.messages(queue_url)}
    found = {json.loads(body)["status"]: (body, message) for body, message in bodies.items()}
    body, message = found["succeeded"]
    assert json.loads(body)["id"] == job_id
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["vendor"] == VENDOR
    headers = dict(line.split(":", 1) for line in attributes["headers"].splitlines() if not line.endswith(":"))
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    callbacks = until(lambda: (seen := lab.vendor.report().as_json()["callbacks"])["delivered_count"] and seen)
    assert callbacks["failed_count"] == 0, "the partner was answered 2xx before anything was processed"
    return body


def step_10_the_callback_resumed_the_execution(lab: Laboratory, arn: str) -> None:
    record = until(lambda: (found := lab.record(NAME)).get("state") == "resumed" and found)
    states = ["queued", "dispatching", "sending", "accepted", "answered", "resumed"]
    times = [int(record[f"{state}_epoch_ms"]) for state in states]
    assert times == sorted(times), "the ledger saw each state, in order"
    assert _events(lab, arn, "TaskSucceeded"), "the paused task went on"


def step_11_the_result_was_fetched_and_delivered(lab: Laboratory, end: Any, job_id: str) -> None:
    assert end["status"] == "SUCCEEDED"
    output = json.loads(end["output"])
    assert {name: output[name] for name in ("call_id", "vendor", "job_id", "status")} == {
        "call_id": lab.call_id(NAME),
        "vendor": VENDOR,
        "job_id": job_id,
        "status": "succeeded",
    }
    assert output["result"]["output"] == {"echo": PAYLOAD["input"]}


def _tuning_in_appconfig(lab: Laboratory) -> Tuning:
    application = lab.target.client("appconfig").list_applications()["Items"][0]["Id"]
    data = lab.target.client("appconfigdata")
    session = data.start_configuration_session(
        ApplicationIdentifier=application,
        EnvironmentIdentifier=VENDOR,
        ConfigurationProfileIdentifier=TUNING_PROFILE,
    )
    answer = data.get_latest_configuration(ConfigurationToken=session["InitialConfigurationToken"])
    return Tuning.from_document(json.loads(answer["Configuration"].read()))


def _events(lab: Laboratory, arn: str, kind: str) -> list[Any]:
    history = lab.target.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return [event for event in history if event["type"] == kind]

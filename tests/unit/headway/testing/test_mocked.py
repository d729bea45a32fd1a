"""Machines on AWS's own engines: what TestState is asked, by botocore's model, and the mocks of the local image."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from headway.testing.kit.mocked import Mock, mock_config, walk
from headway.testing.kit.scripts import NotScripted

MACHINE: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Assign": {"x": 1}, "Next": "CallVendor"},
        "CallVendor": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True},
        "GiveUp": {"Type": "Succeed"},
    },
}
BUSY = Mock(error="Vendor.Unavailable", cause="HTTP 503")


@pytest.fixture
def client() -> Any:
    return boto3.client("stepfunctions", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def asked(state: str, given: Any, *, variables: str = "{}", attempt: int = 0, **mock: Any) -> dict[str, Any]:
    return {
        "definition": json.dumps(MACHINE),
        "stateName": state,
        "input": json.dumps(given),
        "variables": variables,
        "inspectionLevel": "DEBUG",
        "stateConfiguration": {"retrierRetryCount": attempt},
        **({"mock": mock} if mock else {}),
    }


PREPARED = {
    "status": "SUCCEEDED",
    "output": '{"order": 7}',
    "nextState": "CallVendor",
    "inspectionData": {"variables": '{"x": 1}'},
}
FAILING: dict[str, Any] = {"errorOutput": {"error": "Vendor.Unavailable", "cause": "HTTP 503"}}


def test_a_machine_is_taken_from_state_to_state_with_its_variables_and_its_retries(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("test_state", PREPARED, asked("Prepare", {}))
        retriable = {"status": "RETRIABLE", "inspectionData": {"errorDetails": {"retryBackoffIntervalSeconds": 30}}}
        known = '{"x": 1}'
        stub.add_response("test_state", retriable, asked("CallVendor", {"order": 7}, variables=known, **FAILING))
        done = {"status": "SUCCEEDED", "output": '"a picture"'}
        again = asked("CallVendor", {"order": 7}, variables=known, attempt=1, result='"a picture"')
        stub.add_response("test_state", done, again)
        run = walk(client, MACHINE, {}, {"CallVendor": [BUSY, Mock("a picture")]})
        stub.assert_no_pending_responses()
    assert (run.status, run.output, run.states, run.took_s) == ("SUCCEEDED", "a picture", ["Prepare", "CallVendor"], 30)


def test_an_error_is_caught_or_ends_the_machine(client: Any) -> None:
    ends: list[tuple[dict[str, Any], tuple[str, Any, list[str]]]] = [
        (
            {"status": "CAUGHT_ERROR", "output": '"caught"', "nextState": "GiveUp", "error": "Vendor.Unavailable"},
            ("SUCCEEDED", None, ["Prepare", "CallVendor", "GiveUp"]),
        ),
        (
            {"status": "FAILED", "error": "Vendor.Unavailable", "cause": "HTTP 503"},
            ("FAILED", "Vendor.Unavailable", ["Prepare", "CallVendor"]),
        ),
    ]
    for answer, end in ends:
        with Stubber(client) as stub:
            stub.add_response("test_state", PREPARED)
            stub.add_response("test_state", answer)
            if "nextState" in answer:
                stub.add_response("test_state", {"status": "SUCCEEDED", "output": '"caught"'}, None)
            run = walk(client, MACHINE, {}, {"CallVendor": [BUSY]})
        assert (run.status, run.error, run.states) == end


def test_a_task_without_a_mock_is_not_asked_for(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("test_state", PREPARED)
        with pytest.raises(NotScripted, match="state CallVendor has no mock"):
            walk(client, MACHINE, {}, {})


def test_mocks_have_the_form_of_step_functions_local() -> None:
    assert mock_config("order", {"CallVendor": [BUSY, Mock({"job": 7})]}) == {
        "StateMachines": {"order": {"TestCases": {"Test": {"CallVendor": "CallVendor"}}}},
        "MockedResponses": {
            "CallVendor": {
                "0": {"Throw": {"Error": "Vendor.Unavailable", "Cause": "HTTP 503"}},
                "1-100": {"Return": {"job": 7}},
            }
        },
    }

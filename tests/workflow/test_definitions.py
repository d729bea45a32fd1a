"""The ASL files themselves: what statelint says, and the rules that no linter and no engine knows."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.definitions import UnboundPlaceholder, bind
from headway_cdk.resources import WORKFLOWS
from headway_lane.caller.invocation import CallOutcome
from headway_lane.ledger.record import JOB, CallAttribute, CallState, JobAttribute, since_attribute
from headway_lane.messages.identity import CallSite
from headway_lane.messages.request import REQUEST, CallRequest
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import ErrorCode

from tests.workflow.machines import definition

Workflow = tuple[str, Any]
"""Name and bound definition."""

ATTRIBUTES = {
    "calls": {*CallAttribute, *(since_attribute(state) for state in CallState)},
    "jobs": set(JobAttribute),
}
KEYS = {"calls": CallAttribute.CALL_ID, "jobs": JobAttribute.JOB_KEY}


def statelint(path: Path) -> subprocess.CompletedProcess[str]:
    """Lint one file. URI: a resource ARN with `aws` left out of it is no URI to it; FLOAT: `BackoffRate` 2 is one."""
    command = [str(Path(sys.executable).parent / "statelint"), "--ignore=URI,FLOAT", "--eval-jsonata", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words


def states_of(workflow: Workflow, kind: str | None = None) -> Mapping[str, Any]:
    return {name: state for name, state in workflow[1]["States"].items() if kind in (None, state["Type"])}


def retries_of(workflow: Workflow) -> Iterator[tuple[str, Any]]:
    for name, state in states_of(workflow).items():
        yield from ((name, retry) for retry in state.get("Retry", []))


def next_states(state: Mapping[str, Any]) -> set[str]:
    following = {state[key] for key in ("Next", "Default") if key in state}
    return following | {way["Next"] for key in ("Choices", "Catch") for way in state.get(key, [])}


def updates_of(workflow: Workflow) -> Iterator[tuple[str, Any]]:
    for name, state in states_of(workflow, "Task").items():
        if state["Resource"].endswith(":dynamodb:updateItem"):
            yield name, state["Arguments"]


def test_statelint_finds_nothing(workflow: Workflow, tmp_path: Path) -> None:
    name, definition = workflow
    (tmp_path / f"{name}.json").write_text(json.dumps(definition))
    done = statelint(tmp_path / f"{name}.json")
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


def test_statelint_would_find_a_state_that_is_not_there(workflow: Workflow, tmp_path: Path) -> None:
    _, definition = workflow
    (tmp_path / "broken.json").write_text(json.dumps({**definition, "StartAt": "Nowhere"}))
    done = statelint(tmp_path / "broken.json")
    assert "Nowhere" in done.stdout + done.stderr


def test_there_is_one_query_language(workflow: Workflow) -> None:
    name, definition = workflow
    assert definition["QueryLanguage"] == "JSONata"
    assert all("QueryLanguage" not in state for state in states_of(workflow).values())
    text = (WORKFLOWS / f"{name}.asl.json").read_text()
    assert not re.search(r'"[^"]+\.\$":|"(Parameters|InputPath|OutputPath|ResultPath|ResultSelector)":', text)


def test_a_placeholder_without_a_value_or_a_value_without_a_placeholder_is_refused() -> None:
    with pytest.raises(
        UnboundPlaceholder, match=r"call_vendor\.asl\.json: without a value: .*never used: \['Nobody'\]"
    ):
        bind("call_vendor", {"Nobody": 1})


def test_no_arn_is_literal_but_those_of_service_integrations(workflow: Workflow) -> None:
    name, _ = workflow
    text = (WORKFLOWS / f"{name}.asl.json").read_text()
    integrations = {state["Resource"] for state in states_of(workflow, "Task").values()}
    assert set(re.findall(r'arn:[^"]*', text)) == integrations
    assert all(integration.startswith("arn:aws:states:::") for integration in integrations)
    assert not re.search(r"\b\d{12}\b|https?://", text)


def test_every_state_is_reached_and_named_by_a_phrase(workflow: Workflow) -> None:
    _, definition = workflow
    reached: set[str] = set()
    ahead = {definition["StartAt"]}
    while ahead:
        reached |= ahead
        ahead = {name for state in ahead for name in next_states(definition["States"][state])} - reached
    assert reached == definition["States"].keys()
    assert all(re.fullmatch(r"([A-Z][a-z]+){2,}", name) for name in reached)


def test_a_state_that_waits_for_a_callback_hands_out_its_token_and_fails_by_name_where_a_redrive_repeats_it(
    workflow: Workflow,
) -> None:
    name, definition = workflow
    waiting = {k: v for k, v in states_of(workflow, "Task").items() if v["Resource"].endswith(".waitForTaskToken")}
    assert waiting.keys() == ({"CallVendor", "FetchResult"} if name == "call_vendor" else set())
    for state in waiting.values():
        assert "$states.context.Task.Token" in json.dumps(state["Arguments"])
        assert 0 < state["HeartbeatSeconds"] < state["TimeoutSeconds"] < definition["TimeoutSeconds"]
        assert not {"Catch", "Retry"} & state.keys(), "a redrive goes on at the state that failed, with a new token"


def test_the_task_token_goes_nowhere_but_into_the_queues(workflow: Workflow) -> None:
    name, definition = workflow
    assert json.dumps(definition).count("Task.Token") == (2 if name == "call_vendor" else 0)


def test_every_function_has_a_timeout_and_retries(workflow: Workflow) -> None:
    functions = {k: v for k, v in states_of(workflow, "Task").items() if v["Resource"].endswith(":lambda:invoke")}
    assert bool(functions) is (workflow[0] != "call_vendor"), "which waits on tokens, and not on functions"
    for name, state in functions.items():
        assert state["TimeoutSeconds"] > 0, name
        assert state["Retry"], name


def test_every_retry_is_bounded_in_number_and_in_delay_and_spread(workflow: Workflow) -> None:
    for name, retry in retries_of(workflow):
        assert "MaxAttempts" in retry, name
        if retry["MaxAttempts"]:
            assert retry["MaxDelaySeconds"] >= retry["IntervalSeconds"] > 0, name
            assert retry["JitterStrategy"] == "FULL", name
            assert retry["BackoffRate"] > 1, name


def test_a_condition_of_the_ledger_that_failed_is_never_retried(workflow: Workflow) -> None:
    for name, arguments in updates_of(workflow):
        if "ConditionExpression" in arguments:
            first = workflow[1]["States"][name]["Retry"][0]
            assert first == {"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "MaxAttempts": 0}


def test_every_error_that_a_workflow_gives_itself_is_one_of_the_codes(workflow: Workflow) -> None:
    said = re.findall(r'"(?:Error|error)": "([^"{][^"]*)"', json.dumps(workflow[1]))
    assert set(said) <= set(ErrorCode)


def test_the_ledger_is_changed_by_its_own_names_and_every_name_is_used(workflow: Workflow) -> None:
    for state, arguments in updates_of(workflow):
        table = arguments["TableName"]
        assert list(arguments["Key"]) == [KEYS[table]], state
        names, values = arguments["ExpressionAttributeNames"], arguments["ExpressionAttributeValues"]
        assert set(names.values()) <= ATTRIBUTES[table], state
        expressions = arguments["UpdateExpression"] + " " + arguments.get("ConditionExpression", "")
        assert set(re.findall(r"#\w+", expressions)) == names.keys(), state
        assert set(re.findall(r":\w+", expressions)) == values.keys(), state


def test_a_new_state_of_a_call_comes_with_its_time(workflow: Workflow) -> None:
    for name, arguments in updates_of(workflow):
        if arguments["TableName"] == "calls":
            names, values = arguments["ExpressionAttributeNames"], arguments["ExpressionAttributeValues"]
            (new,) = re.findall(r"#state = (:\w+)", arguments["UpdateExpression"])
            assert names["#state"] == CallAttribute.STATE
            assert names["#since"] == since_attribute(CallState(values[new]["S"])), name
            assert "#since = :now" in arguments["UpdateExpression"]
            assert values[":now"] == {"N": "{% $string($millis()) %}"}


def test_a_state_of_a_call_in_a_condition_is_one_of_the_ledgers(workflow: Workflow) -> None:
    for _, arguments in updates_of(workflow):
        values = arguments["ExpressionAttributeValues"]
        compared = re.findall(r"#state = (:\w+)", arguments["UpdateExpression"] + arguments["ConditionExpression"])
        assert {values[value]["S"] for value in compared} <= set(CallState)
    routed = re.findall(r"\$states\.input\.state = '(\w+)'", json.dumps(workflow[1]))
    assert set(routed) <= set(CallState)


def test_what_is_read_of_a_record_has_the_ledgers_names(workflow: Workflow) -> None:
    text = json.dumps(workflow[1])
    assert set(re.findall(r"result\.Item\.(\w+)", text)) <= set(CallAttribute)
    assert set(re.findall(r"result\.Attributes\.(\w+)", text)) <= {JobAttribute.ANSWER}


def test_every_move_of_a_call_names_its_attempt(workflow: Workflow) -> None:
    for name, arguments in updates_of(workflow):
        if arguments["TableName"] == "calls":
            assert arguments["ConditionExpression"].startswith("#attempt = :attempt AND "), name
            assert arguments["ExpressionAttributeNames"]["#attempt"] == CallAttribute.ATTEMPT
            assert arguments["ExpressionAttributeValues"][":attempt"] == {"S": "{% $call.attempt %}"}


def test_what_a_workflow_writes_says_the_version_that_the_code_writes() -> None:
    asked = definition("call_vendor")["States"]["CallVendor"]["Arguments"]["MessageBody"]
    assert asked["format_version"] == REQUEST.version
    job = definition("dispatch_call_direct")["States"]["JoinCall"]["Arguments"]["ExpressionAttributeValues"]
    assert job[":format"] == {"N": str(JOB.version)}


def test_a_request_has_the_fields_that_the_code_writes_when_it_is_requeued() -> None:
    asked = definition("call_vendor")["States"]["CallVendor"]["Arguments"]["MessageBody"]
    place = CallSite("machine", "execution", "state")
    request = CallRequest("call", "attempt", place, "vendor", {}, Waiter("token"), ends_epoch_s=1)
    assert json.loads(request.to_body()).keys() == asked.keys() | {"ends_epoch_s"}


def test_every_outcome_of_the_caller_has_its_way() -> None:
    [way] = definition("dispatch_call")["States"]["RouteOutcome"]["Choices"]
    assert set(re.findall(r"'(\w+)'", way["Condition"])) == set(CallOutcome) - {CallOutcome.REJECTED}


def test_a_lease_of_the_direct_way_is_as_long_as_its_execution_may_run() -> None:
    machine = definition("dispatch_call_direct")
    lease = machine["States"]["BeginCall"]["Arguments"]["ExpressionAttributeValues"][":lease"]["N"]
    assert f"+ {machine['TimeoutSeconds']})" in lease

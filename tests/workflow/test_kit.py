"""The test kit itself: what it plays on the virtual clock, what it refuses, and that nothing of it is left."""

import json
import time
from typing import Any

import pytest
from headway_cdk.configuration import ConfigurationError
from ministack.services import stepfunctions as sfn

from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

ECHO = "arn:aws:lambda:us-east-1:000000000000:function:echo"
DAY_S = 86_400


def machine(*, start: str, limit_s: int | None = None, **states: Any) -> dict[str, Any]:
    limit = {} if limit_s is None else {"TimeoutSeconds": limit_s}
    return {"QueryLanguage": "JSONata", "StartAt": start, "States": states, **limit}


def calling(action: str = "lambda:invoke", arguments: Any = None, **more: Any) -> dict[str, Any]:
    given = {"FunctionName": ECHO, "Payload": "{% $states.input %}"} if arguments is None else arguments
    return {"Type": "Task", "Resource": f"arn:aws:states:::{action}", "Arguments": given, "End": True, **more}


def asking(message: Any = None, **more: Any) -> dict[str, Any]:
    body = {"token": "{% $states.context.Task.Token %}"} if message is None else message
    return calling("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "queue", "MessageBody": body}, **more)


def failed_with(test: WorkflowTest) -> str:
    with pytest.raises(pytest.fail.Exception) as failure:
        test.run({})
    return str(failure.value)


def test_a_call_that_is_not_scripted_fails_the_test_with_state_action_and_what_to_say(
    workflow_test: WorkflowTests,
) -> None:
    assert failed_with(workflow_test(machine(start="UseIt", UseIt=calling()))) == (
        'machine, state UseIt: lambda:invoke is not scripted; say what comes of it: .function("echo").returns({...})'
    )
    writing = calling("dynamodb:putItem", {"TableName": "t", "Item": {}})
    assert '.service("dynamodb:putItem")' in failed_with(workflow_test(machine(start="Write", Write=writing)))
    assert '.task("Ask").succeeds(' in failed_with(workflow_test(machine(start="Ask", Ask=asking())))


def test_a_call_that_no_catch_may_hide_fails_the_test_too(workflow_test: WorkflowTests) -> None:
    caught = calling(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "End"}])
    found = failed_with(workflow_test(machine(start="UseIt", UseIt=caught, End={"Type": "Succeed"})))
    assert "is not scripted" in found


def test_an_api_of_an_api_gateway_is_not_called(workflow_test: WorkflowTests) -> None:
    """moto calls one by HTTP of its own."""
    api = {"ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com", "Method": "GET", "Stage": "v", "Path": "/jobs"}
    test = workflow_test(machine(start="CallApi", CallApi=calling("apigateway:invoke", api)))
    assert '.service("apigateway:invoke")' in failed_with(test)


def test_what_the_kit_does_not_play_fails_the_test(workflow_test: WorkflowTests) -> None:
    """An activity has a worker of its own; an ItemReader reads a bucket."""
    activity = {"Type": "Task", "Resource": "arn:aws:states:us-east-1:000000000000:activity:paint", "End": True}
    assert "the kit plays no activity" in failed_with(workflow_test(machine(start="Paint", Paint=activity)))
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}}
    reader |= {"Parameters": {"Bucket": "b", "Key": "k"}}
    inner = {"StartAt": "Do", "States": {"Do": {"Type": "Pass", "End": True}}}
    inner |= {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    each = {"Type": "Map", "ItemReader": reader, "ItemProcessor": inner, "End": True}
    test = workflow_test({"StartAt": "Each", "States": {"Each": each}})
    failed = failed_with(test)
    assert "the kit plays no ItemReader" in failed or "s3:getObject is not scripted" in failed, "moto's, and ours"


def test_a_callback_task_that_hands_out_no_token_fails_the_test(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Ask", Ask=asking({"order": 7})))
    test.task("Ask").succeeds({})
    assert "its arguments hold no task token" in failed_with(test)


def test_words_for_what_is_not_there_are_refused(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Ask", Ask=asking()))
    test.task("Aks").succeeds({})
    with pytest.raises(ConfigurationError, match="has no state 'Aks'; there is Ask"):
        test.run({})
    with pytest.raises(ConfigurationError, match="calls no vendor 'replicate'"):
        test.vendor("replicate")


def test_a_definition_that_is_none_is_refused_with_its_name(workflow_test: WorkflowTests) -> None:
    with pytest.raises(ConfigurationError, match="machine: "):
        workflow_test(machine(start="It", It={"Type": "Nothing"})).run({})


def test_placeholders_are_bound_and_a_wrong_one_is_named(workflow_test: WorkflowTests) -> None:
    greeting = machine(start="Say", Say={"Type": "Pass", "Output": "${Greeting}", "End": True})
    assert workflow_test(greeting, placeholders={"Greeting": "hello"}).run({}).output == "hello"
    with pytest.raises(ConfigurationError, match="stands for nothing; did you mean"):
        workflow_test(greeting, placeholders={"Greetings": "hello"})


def test_a_year_passes_in_less_than_a_second(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Rest", Rest={"Type": "Wait", "Seconds": 360 * DAY_S, "End": True}))
    began_s = time.monotonic()
    assert test.run({}).took_s == 360 * DAY_S
    assert time.monotonic() - began_s < 1


def test_the_machines_own_clock_is_the_virtual_one(workflow_test: WorkflowTests) -> None:
    now = "{% $millis() %}"
    first = {"Type": "Pass", "Assign": {"before": now}, "Next": "Rest"}
    last = {"Type": "Pass", "Output": "{% $millis() - $before %}", "End": True}
    rest = {"Type": "Wait", "Seconds": DAY_S, "Next": "Last"}
    assert workflow_test(machine(start="First", First=first, Rest=rest, Last=last)).run({}).output == DAY_S * 1_000


def test_a_machine_runs_out_of_its_time(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Rest", limit_s=60, Rest={"Type": "Wait", "Seconds": DAY_S, "End": True}))
    run = test.run({})
    assert (run.status, run.took_s) == ("TIMED_OUT", 60)


def test_a_task_that_waits_for_ever_is_still_running(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Ask", Ask=asking()))
    test.task("Ask").never_answers()
    assert (test.run({}).status, test.task("Ask").callbacks) == ("RUNNING", [])


def test_a_function_that_never_returns_meets_its_timeout(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="UseIt", UseIt=calling(TimeoutSeconds=30)))
    test.function("echo").never_returns()
    run = test.run({})
    assert (run.error, run.took_s) == ("States.Timeout", 30)


def test_retries_are_at_their_intervals_and_a_jitter_takes_its_longest(workflow_test: WorkflowTests) -> None:
    retry = {"ErrorEquals": ["KeyError"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3}
    retry |= {"MaxDelaySeconds": 10, "JitterStrategy": "FULL"}
    test = workflow_test(machine(start="UseIt", UseIt=calling(Retry=[retry])))
    test.function("echo").runs(lambda event, _: event["missing"])
    run = test.run({})
    assert (run.status, run.error) == ("FAILED", "KeyError")
    assert json.loads(run.cause or "")["errorType"] == "KeyError"
    assert [call.at_s for call in run.calls] == [0, 2, 8, 18]


def test_items_of_a_map_go_side_by_side_as_far_as_it_allows(workflow_test: WorkflowTests) -> None:
    one = machine(start="UseIt", UseIt=calling(Output="{% $states.result.Payload %}"))
    each = {"Type": "Map", "Items": "{% $states.input %}", "MaxConcurrency": 2, "ItemProcessor": one, "End": True}
    del one["QueryLanguage"]
    test = workflow_test(machine(start="Each", Each=each))
    test.function("echo").returns("done", after_s=10)
    run = test.run([1, 2, 3])
    assert (run.output, run.took_s) == (["done"] * 3, 20)
    assert [call.at_s for call in run.calls] == [0, 0, 10]
    assert run.states == ["Each", "UseIt", "UseIt", "UseIt"]


def test_branches_wait_for_the_slowest(workflow_test: WorkflowTests) -> None:
    branches = [
        {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": seconds, "End": True}}}
        for name, seconds in (("Short", 5), ("Long", 50))
    ]
    run = workflow_test(machine(start="Both", Both={"Type": "Parallel", "Branches": branches, "End": True})).run({})
    assert (run.status, run.took_s) == ("SUCCEEDED", 50)
    assert sorted(run.states) == ["Both", "Long", "Short"]


def test_a_child_runs_by_its_own_definition_and_its_calls_are_told(workflow_test: WorkflowTests) -> None:
    child = {"StateMachineArn": arn_of("stateMachine:child"), "Name": "child", "Input": "{% $states.input %}"}
    starting = calling("states:startExecution.sync:2", child, Output="{% $states.result.Output %}")
    test = workflow_test(machine(start="Start", Start=starting))
    test.machine("child", machine(start="Ask", Ask=asking(Output="{% $states.result %}")))
    test.task("Ask").succeeds("grown", after_s=7 * DAY_S)
    run = test.run({})
    assert (run.output, run.took_s, run.states) == ("grown", 7 * DAY_S, ["Start"])
    assert [(call.state, call.action) for call in run.calls] == [
        ("Start", "states:startExecution"),
        ("Ask", "sqs:sendMessage"),
    ]


def test_a_test_may_answer_step_by_step(workflow_test: WorkflowTests) -> None:
    test = workflow_test(
        machine(start="Ask", Ask=asking(HeartbeatSeconds=60, TimeoutSeconds=600, Output="{% $states.result %}"))
    )
    test.task("Ask").never_answers()
    arn = test.start({})
    test.advance(50)
    assert test.heartbeat("Ask").taken
    test.advance(50)
    assert test.answer("Ask", output="at last").taken
    run = test.finish(arn)
    assert (run.output, run.took_s) == ("at last", 100)
    assert not test.answer("Ask", output="once more").taken


def test_a_second_run_has_times_of_its_own(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="UseIt", UseIt=calling()))
    test.function("echo").returns({}, after_s=5)
    runs = [test.run({}) for _ in range(2)]
    assert [(run.took_s, [call.at_s for call in run.calls]) for run in runs] == [(5, [0]), (5, [0])]


def test_nothing_is_left_in_the_interpreter(workflow_test: WorkflowTests) -> None:
    test = workflow_test(machine(start="Ask", Ask=asking()))
    test.task("Ask").never_answers()
    test.run({})
    workflow_test(machine(start="End", End={"Type": "Succeed"}))
    assert sfn.time.__name__ == "types" or not sfn._executions  # of the test before


def test_with_the_last_test_the_real_clock_is_back() -> None:
    assert sfn.time is time
    assert sfn._executions.all_values() == []

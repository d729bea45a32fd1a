"""The machine of the example project over a lane: what it asks for, and what it makes of it."""

import json
from typing import Any

import pytest
from headway_cdk.resources import resource
from headway_lane.messages.request import CallRequest

from headway.run.api_pace import RunQuotas
from headway.run.executions import Executions, line_call_id
from headway.run.lines import InputLine
from headway.run.surroundings import Surroundings
from headway.run.worklist import LineAttempt
from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.workflow_test import WorkflowTest
from tests.workflow.conftest import Machine
from tests.workflow.machines import ECHO_ARN, definition, echo

FILE = resource("examples/shop/workflows/order.asl.json")
LINE: dict[str, Any] = {"payload": {"prompt": "a lighthouse"}}
ANSWER = {"call_id": "{% $states.context.Execution.Name %}", "result": "{% $states.input %}"}


def order(workflow_test: Machine, vendor_machine: str, *states: dict[str, Any]) -> WorkflowTest:
    """Make the machine of an order, which calls one of the vendor's, of these states or `call_vendor`."""
    arn = arn_of(f"stateMachine:{vendor_machine}")
    made = workflow_test(FILE, placeholders={"ReplicateCallVendorArn": arn, "UseResultFunctionArn": ECHO_ARN})
    made.function("echo").runs(echo)
    for state in states:
        made.machine(vendor_machine, {"QueryLanguage": "JSONata", "StartAt": "Do", "States": {"Do": state}})
    return made


@pytest.fixture
def asked(workflow_test: Machine) -> WorkflowTest:
    """Return an order whose vendor answers with what it was asked."""
    return order(workflow_test, "answers", {"Type": "Pass", "Output": ANSWER, "End": True})


def heard(order: WorkflowTest, given: Any, name: str | None = None) -> Any:
    run = order.run(given, name=name)
    assert (run.status, run.states) == ("SUCCEEDED", ["AskVendor", "UseResult"])
    return run.output["heard"]


def test_an_order_asks_in_its_own_name_and_hands_the_result_to_its_function(asked: WorkflowTest) -> None:
    call = {"execution": arn_of("execution:order:order-1"), "state": "AskVendor"}
    said = heard(asked, LINE, "order-1")
    assert said == {"call_id": "order-1", "result": {**LINE, "tenant": "order", "call": call}}


def test_what_repeats_an_order_asks_for_the_call_of_the_first(asked: WorkflowTest) -> None:
    """As `headway run` repeats a line: a new execution says which one was the first."""
    first = heard(asked, LINE, "order-2")["result"]["call"]
    again = {**LINE, "call": {"execution": arn_of("execution:order:order-2")}}
    assert heard(asked, again, "order-2-again")["result"]["call"] == first


def test_what_a_run_says_of_a_line_reaches_the_vendors_machine(asked: WorkflowTest) -> None:
    line = {**LINE, "tenant": "shop-7", "urgent": True}
    assert heard(asked, line)["result"].items() >= line.items()


class Starting:
    """A client that starts executions of the machine under test."""

    def __init__(self, test: WorkflowTest) -> None:
        self.test = test

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803, A002
        self.test.start(json.loads(input), name=name)


@pytest.mark.parametrize("tenant", [None, "shop-7"])
@pytest.mark.parametrize("machine_name", ["order", "call_vendor"])
def test_a_run_knows_under_which_key_the_ledger_has_the_call_of_a_line(
    workflow_test: Machine, machine_name: str, tenant: str | None
) -> None:
    """Else a run learns nothing of an order but from its execution, and nothing of its call's times."""
    if machine_name == "order":
        test = order(workflow_test, "call_vendor")
        test.machine("call_vendor", definition("call_vendor"))
    else:
        test = workflow_test(definition("call_vendor"), name="call_vendor")
    test.task("CallVendor").never_answers()
    call_vendor_arn, machine_arn = (arn_of(f"stateMachine:{one}") for one in ("call_vendor", machine_name))
    given = LINE if tenant is None else {**LINE, "tenant": tenant}
    for number in (1, 2):
        line = InputLine(1, f"{machine_name}-of-{tenant}", "replicate", json.dumps(given), tenant=tenant)
        client: Any = Starting(test)
        executions = Executions(client, client, RunQuotas.of("us-east-1"), Surroundings())
        executions.begin(machine_arn, LineAttempt(line, number), again=False)
        message = test.task("CallVendor").calls[-1].arguments
        asked = CallRequest.from_body(json.dumps(message["MessageBody"]), "replicate", message["MessageGroupId"])
        assert line_call_id(machine_arn, call_vendor_arn, line.key, tenant) == asked.call_id


def test_an_order_fails_with_its_call_and_has_its_error_in_the_cause(workflow_test: Machine) -> None:
    refusing = {"Type": "Fail", "Error": "Vendor.JobFailed", "Cause": "it could not"}
    run = order(workflow_test, "refuses", refusing).run(LINE)
    assert (run.status, run.error, run.states) == ("FAILED", "States.TaskFailed", ["AskVendor"])
    told = json.loads(run.cause or "")
    assert (told["Status"], told["Error"], told["Cause"]) == ("FAILED", "Vendor.JobFailed", "it could not")

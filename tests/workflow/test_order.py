"""The machine of the example project, with a lane's answers scripted: what it asks for, and what it makes of it."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.definitions import bind_file
from headway_cdk.placeholders import Binding, function
from headway_cdk.resources import resource
from headway_lane.messages.request import CallRequest

from headway.run.api_pace import RunQuotas
from headway.run.executions import Executions, line_call_id
from headway.run.lines import InputLine
from headway.run.surroundings import Surroundings
from headway.run.worklist import LineAttempt
from tests.workflow.conftest import ACCOUNT, ECHO_ARN

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

FILE = resource("examples/shop/workflows/order.asl.json")
LINE = {"payload": {"prompt": "a lighthouse"}}


def order(engine: "Engine", vendor_machine: str) -> str:
    """Make the machine of an order, which calls one of the vendor's; returns its name."""
    arn = ACCOUNT.format(service="states", resource=f"stateMachine:{vendor_machine}")
    bound = {"ReplicateCallVendorArn": Binding(arn), "UseResultFunctionArn": function(ECHO_ARN)}
    definition = bind_file(FILE, bound)
    name = f"order-of-{vendor_machine}"
    engine.create(name, json.loads(definition.text.replace("${UseResultFunctionArn}", ECHO_ARN)))
    return name


@pytest.fixture(scope="module")
def asked(engine: "Engine") -> str:
    """Return the name of an order whose vendor answers with what it was asked."""
    output = {"call_id": "{% $states.context.Execution.Name %}", "result": "{% $states.input %}"}
    state = {"Type": "Pass", "Output": output, "End": True}
    engine.create("answers", {"QueryLanguage": "JSONata", "StartAt": "Answer", "States": {"Answer": state}})
    return order(engine, "answers")


def execution_arn(machine: str, name: str) -> str:
    return ACCOUNT.format(service="states", resource=f"execution:{machine}:{name}")


def heard(engine: "Engine", machine: str, given: Any, **more: Any) -> Any:
    run = engine.run(machine, None, given, **more)
    assert (run.status, run.states) == ("SUCCEEDED", ["AskVendor", "UseResult"])
    return run.output["heard"]


def test_an_order_asks_in_its_own_name_and_hands_the_result_to_its_function(engine: "Engine", asked: str) -> None:
    said = heard(engine, asked, LINE, execution="order-1")
    call = {"execution": execution_arn(asked, "order-1"), "state": "AskVendor"}
    assert said == {"call_id": "order-1", "result": {**LINE, "tenant": asked, "call": call}}


def test_what_repeats_an_order_asks_for_the_call_of_the_first(engine: "Engine", asked: str) -> None:
    """As `headway run` repeats a line: a new execution says which one was the first."""
    first = heard(engine, asked, LINE, execution="order-2")["result"]["call"]
    again = {**LINE, "call": {"execution": execution_arn(asked, "order-2")}}
    assert heard(engine, asked, again, execution="order-2-again")["result"]["call"] == first


def test_what_a_run_says_of_a_line_reaches_the_vendors_machine(engine: "Engine", asked: str) -> None:
    line = {**LINE, "tenant": "shop-7", "urgent": True}
    assert heard(engine, asked, line)["result"].items() >= line.items()


@pytest.mark.parametrize("tenant", [None, "shop-7"])
@pytest.mark.parametrize("machine", ["order", "call_vendor"])
def test_a_run_knows_under_which_key_the_ledger_has_the_call_of_a_line(
    engine: "Engine", machine: str, tenant: str | None
) -> None:
    """Else a run learns nothing of an order but from its execution, and nothing of its call's times."""
    name = order(engine, "call_vendor") if machine == "order" else machine
    call_vendor_arn, machine_arn = (
        ACCOUNT.format(service="states", resource=f"stateMachine:{one}") for one in ("call_vendor", name)
    )
    given = LINE if tenant is None else {**LINE, "tenant": tenant}
    for number in (1, 2):
        line = InputLine(1, f"{machine}-of-{tenant}", "replicate", json.dumps(given), tenant=tenant)
        executions = Executions(engine.step_functions, engine.s3, RunQuotas.of("us-east-1"), Surroundings())
        started = executions.begin(machine_arn, LineAttempt(line, number), again=False)
        message, group = engine.receive_with_group(engine.queue_url)
        asked = CallRequest.from_body(json.dumps(message), "replicate", group or "")
        assert line_call_id(machine_arn, call_vendor_arn, line.key, tenant) == asked.call_id
        engine.fail(message["task_token"], "Vendor.Rejected", "enough")
        engine.end(started.arn)


def test_an_order_fails_with_its_call(engine: "Engine") -> None:
    state = {"Type": "Fail", "Error": "Vendor.JobFailed", "Cause": "it could not"}
    engine.create("refuses", {"QueryLanguage": "JSONata", "StartAt": "Refuse", "States": {"Refuse": state}})
    run = engine.run(order(engine, "refuses"), None, LINE)
    assert (run.status, run.states) == ("FAILED", ["AskVendor"])

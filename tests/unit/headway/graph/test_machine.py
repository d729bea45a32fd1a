"""What a graph reads out of a definition."""

import json
from typing import Any

import pytest
from headway_cdk.resources import WORKFLOWS

from headway.errors import UsageProblem
from headway.graph.conditions import condition
from headway.graph.machine import EdgeKind, read
from tests.unit.headway.graph.histories import shipment


def machine_of(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def test_states_of_a_map_in_which_is_a_parallel_are_read_at_their_depth() -> None:
    machine = shipment()
    [lines] = machine.states["ShipLines"].inner
    branches = lines.states["Prepare"].inner
    assert [branch.start for branch in branches] == ["Pack", "AskCarrier"]
    assert {"Pack", "UsePost", "Send", "Refund"} <= machine.all_states.keys()
    assert ("AskCarrier", "UsePost", EdgeKind.CATCH) in {
        (each.source, each.target, each.kind) for each in machine.all_edges
    }


def test_a_state_says_what_it_calls_how_often_and_whether_it_waits() -> None:
    states = shipment().all_states
    assert (states["AwaitPayment"].call, states["AwaitPayment"].waits_for_callback) == ("sqs:sendMessage", True)
    assert (states["AskCarrier"].call, states["AskCarrier"].waits_for_callback) == (
        "states:startExecution.sync:2",
        False,
    )
    assert [states[name].retry_count for name in ("ReadOrder", "Pack", "Remind")] == [4, 3, 0]
    assert [states[name].call for name in ("Remind", "OrderFailed")] == ["600 s", "Order.Failed"]


def test_a_retry_without_a_number_is_the_three_of_step_functions() -> None:
    retry = [{"ErrorEquals": ["States.ALL"]}]
    machine = read(machine_of(A={"Type": "Task", "Resource": "arn:aws:lambda:x", "Retry": retry, "End": True}), "f")
    assert machine.states["A"].retry_count == 3


def test_ways_of_one_kind_between_two_states_are_one_edge_with_all_their_words() -> None:
    rules = [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}, {"Variable": "$.a", "NumericEquals": 2, "Next": "B"}]
    choice = {"Type": "Choice", "Choices": rules, "Default": "B"}
    [edge] = read(machine_of(A=choice, B={"Type": "Succeed"}), "f").edges
    assert edge.words == ("$.a = 1", "$.a = 2", "otherwise")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Condition": "{% $states.input.outcome in ['a',\n  'b'] %}"}, "outcome in ['a', 'b']"),
        ({"Condition": "{% $states.input = 1 %}"}, "$states.input = 1"),
        ({"Variable": "$.status", "StringEquals": 'done "now"'}, '$.status = "done \\"now\\""'),
        ({"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.least"}, "$.n >= $.least"),
        ({"Variable": "$.at", "TimestampLessThan": "2026-01-01T00:00:00Z"}, '$.at < "2026-01-01T00:00:00Z"'),
        ({"Variable": "$.name", "StringMatches": "a*"}, '$.name is like "a*"'),
        ({"Variable": "$.x", "IsPresent": False}, "$.x is not present"),
        ({"Not": {"Variable": "$.x", "IsNull": True}}, "not ($.x is null)"),
        (
            {
                "And": [
                    {"Variable": "$.a", "BooleanEquals": True},
                    {"Or": [{"Variable": "$.b", "NumericEquals": 1}, {"Variable": "$.c", "NumericEquals": 2}]},
                ]
            },
            "$.a = true and ($.b = 1 or $.c = 2)",
        ),
    ],
)
def test_a_condition_is_said_as_one_would_write_it_beside_an_arrow(rule: dict[str, Any], words: str) -> None:
    assert condition(rule) == words


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "f: no state machine"),
        ({"StartAt": "A", "States": {}}, "f: no state machine"),
        (machine_of(A={"Type": "Pass", "Next": "B"}), "f: A: leads to 'B', and there is no such state"),
        ({"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}, "f: StartAt: leads to 'B'"),
        (machine_of(A="Pass"), "f: A: no state"),
        (machine_of(A={"Type": "Map", "ItemProcessor": {"StartAt": "B"}, "End": True}), r"f: A\[0\]: no state machine"),
    ],
)
def test_what_leads_nowhere_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        read(document, "f")


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.asl.json")), ids=lambda path: path.name)
def test_every_machine_of_the_package_can_be_read(path: Any) -> None:
    document = json.loads(path.read_text())
    assert read(document, path.name).states.keys() == document["States"].keys()

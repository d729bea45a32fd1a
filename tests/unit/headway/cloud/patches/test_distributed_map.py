"""The patch of the Distributed Map: its items from a file, its results in files, and what its children know."""

import json
from typing import Any

import pytest

from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

pytestmark = pytest.mark.interpreters("embedded", reason="the patch is of the embedded cloud's interpreter")
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSONL"},
    "Arguments": {"Bucket": "files", "Key": "{% $states.input.key %}"},
}
WRITER = {
    "Resource": "arn:aws:states:::s3:putObject",
    "Arguments": {"Bucket": "files", "Prefix": "{% 'out/' & $states.context.Execution.Name %}"},
}
DOUBLE = {"Type": "Pass", "Output": "{% $states.input.n * 2 %}", "End": True}
ODD_FAILS = {
    "Which": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.n % 2 = 1 %}", "Next": "Bad"}],
        "Default": "Do",
    },
    "Bad": {"Type": "Fail", "Error": "Item.Odd"},
    "Do": DOUBLE,
}


def mapping(workflow_test: WorkflowTests, lines: str, states: Any = None, **more: Any) -> tuple[WorkflowTest, Any]:
    """Return a machine of one Distributed Map over a file of these lines, and what it writes."""
    states = states or {"Do": DOUBLE}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    state = {"Type": "Map", "Label": "L", "ItemReader": READER, "End": True, **more}
    state["ItemProcessor"] = {**processor, "StartAt": next(iter(states)), "States": states}
    test: WorkflowTest = workflow_test({"QueryLanguage": "JSONata", "StartAt": "It", "States": {"It": state}})
    test.service("s3:getObject").returns({"Body": lines})
    return test, test.service("s3:putObject").returns(None)


def written(put: Any) -> dict[str, Any]:
    return {call.arguments["Key"].split("/")[-1]: call.arguments["Body"] for call in put.calls}


def test_without_a_writer_the_outputs_are_the_result_in_the_order_of_the_items(workflow_test: WorkflowTests) -> None:
    test, _ = mapping(workflow_test, '{"n": 1}\n{"n": 2}\n\n{"n": 3}\n')
    assert test.run({"key": "k"}).output == [2, 4, 6]


def test_a_writer_leaves_a_manifest_and_a_file_for_each_status(workflow_test: WorkflowTests) -> None:
    test, put = mapping(
        workflow_test,
        '{"n": 1}\n{"n": 2}\n',
        ODD_FAILS,
        ToleratedFailurePercentage=50,
        ResultWriter={**WRITER, "WriterConfig": {"OutputType": "JSONL", "Transformation": "COMPACT"}},
    )
    run = test.run({"key": "k"}, name="night")
    files = written(put)
    assert run.output["ResultWriterDetails"]["Key"].startswith("out/night/")
    assert files["SUCCEEDED_0.jsonl"] == "4\n"
    failed = json.loads(files["FAILED_0.jsonl"])
    assert (failed["Status"], failed["Error"], json.loads(failed["Input"])) == ("FAILED", "Item.Odd", {"n": 1})
    manifest = json.loads(files["manifest.json"])["ResultFiles"]
    assert [len(manifest[status]) for status in ("SUCCEEDED", "FAILED", "PENDING")] == [1, 1, 0]


def test_one_failure_more_than_is_tolerated_ends_it(workflow_test: WorkflowTests) -> None:
    test, _ = mapping(workflow_test, '{"n": 1}\n{"n": 2}\n{"n": 3}\n', ODD_FAILS, ToleratedFailureCount=1)
    run = test.run({"key": "k"})
    assert (run.status, run.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_a_child_is_an_execution_of_its_own_and_knows_its_item_by_the_selector_alone(
    workflow_test: WorkflowTests,
) -> None:
    told = "{% {'id': $states.context.Execution.Id, 'machine': $states.context.StateMachine.Name,"
    states = {
        "Do": {
            "Type": "Pass",
            "Output": told + " 'map': $exists($states.context.Map), 'i': $states.input} %}",
            "End": True,
        }
    }
    selector = {"index": "{% $states.context.Map.Item.Index %}", "parent": "{% $states.context.Execution.Name %}"}
    test, _ = mapping(workflow_test, '{"n": 1}\n', states, ItemSelector=selector)
    [said] = test.run({"key": "k"}, name="night").output
    assert (said["map"], said["i"], said["machine"]) == (False, {"index": 0, "parent": "night"}, "machine/L")
    assert ":execution:machine/L:" in said["id"]


def test_batches_are_items_of_their_own(workflow_test: WorkflowTests) -> None:
    states = {"Do": {"Type": "Pass", "Output": "{% $sum($states.input.Items.n) %}", "End": True}}
    batches = {"MaxItemsPerBatch": 2}
    test, _ = mapping(workflow_test, '{"n": 1}\n{"n": 2}\n{"n": 3}\n', states, ItemBatcher=batches)
    assert test.run({"key": "k"}).output == [3, 3]


def test_no_more_children_run_at_a_time_than_may(workflow_test: WorkflowTests) -> None:
    states = {"Do": {"Type": "Wait", "Seconds": 10, "End": True}}
    test, _ = mapping(workflow_test, '{"n": 1}\n' * 5, states, MaxConcurrency="{% $states.input.most %}")
    assert test.run({"key": "k", "most": 2}).took_s == 30

"""A vendor that calls nobody back looks like any other to the machine."""

from pathlib import Path

from headway_cdk.configuration import load_vendors
from headway_cdk.project import find

from headway.testing.kit.workflow_test import WorkflowTests

BOX = {"payload": {"file": "2019/box-1.tar"}}


def test_a_file_comes_back(workflow_test: WorkflowTests) -> None:
    test = workflow_test("restore")
    test.vendor("vault").answers("s3://restored/box-1.tar", after_s=600)
    run = test.run(BOX)
    assert (run.status, run.output, run.took_s) == ("SUCCEEDED", "s3://restored/box-1.tar", 600)


def test_the_contract_has_no_callback_and_counts_questions_with_the_calls() -> None:
    project = find(Path(__file__).parent)
    [files] = load_vendors(project.configuration, project.stage)
    assert files.vendor.callback is None
    assert {limit.scope for limit in files.vendor.limits} == {"any"}

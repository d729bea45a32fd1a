"""A machine on AWS's own engines, for whoever has them: `pytest --aws-engines teststate,local`."""

from collections.abc import Callable

from headway.testing.kit.mocked import Mock
from headway.testing.kit.run import WorkflowRun
from tests.workflow.machines import definition

JOB = {"call_id": "call-1", "job_id": "job-7", "status": "succeeded"}


def test_a_call_goes_its_way_on_an_engine_of_aws(mocked_workflow: Callable[..., WorkflowRun]) -> None:
    mocks = {"CallVendor": [Mock(JOB)], "FetchResult": [Mock({"result": "a picture"})]}
    run = mocked_workflow(definition("call_vendor"), {"payload": {}}, mocks)
    assert (run.status, run.states) == ("SUCCEEDED", ["CallVendor", "FetchResult"])
    assert run.output == {"result": "a picture"}

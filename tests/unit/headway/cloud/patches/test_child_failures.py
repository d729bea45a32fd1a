"""The patch of child machines: what the task of the machine that has started one fails with."""

import json

from headway.cloud.patches.child_failures import failure_of


def test_a_task_whose_child_failed_has_the_child_in_its_cause_and_not_its_error() -> None:
    child = {
        "executionArn": "arn:of-the-child",
        "status": "FAILED",
        "error": "Vendor.JobFailed",
        "cause": "out of paint",
        "input": "{}",
        "output": '{"Error": "Vendor.JobFailed"}',
        "stopDate": "2026-11-30T00:00:00.000Z",
    }
    error, cause = failure_of(child)
    assert error == "States.TaskFailed"
    assert json.loads(cause) == {
        "Cause": "out of paint",
        "Error": "Vendor.JobFailed",
        "ExecutionArn": "arn:of-the-child",
        "Input": "{}",
        "Status": "FAILED",
        "StopDate": "2026-11-30T00:00:00.000Z",
    }


def test_a_child_that_ran_out_of_time_has_no_error_of_its_own() -> None:
    error, cause = failure_of({"status": "TIMED_OUT", "error": None})
    assert (error, json.loads(cause)) == ("States.TaskFailed", {"Status": "TIMED_OUT"})

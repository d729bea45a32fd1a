"""The patch of branches: each of their states is in the history, with what it was given and what it gave."""

from typing import Any

import pytest
from ministack.services import stepfunctions as sfn

from headway.cloud.patches.branches import run_branch

STATES = {
    "One": {"Type": "Pass", "Result": {"rank": 1}, "Next": "Two"},
    "Two": {"Type": "Succeed"},
    "Bad": {"Type": "Fail", "Error": "Branch.Bad", "Cause": "it could not"},
}


def names_of(execution: dict[str, Any]) -> list[str]:
    return [event["type"] for event in execution["events"]]


def test_a_branch_writes_each_state_that_it_enters_and_leaves() -> None:
    execution: dict[str, Any] = {"events": []}
    assert run_branch(STATES, "One", {}, execution, {"QueryLanguage": "JSONPath"}) == {"rank": 1}
    kinds = ["PassStateEntered", "PassStateExited", "SucceedStateEntered", "SucceedStateExited"]
    assert names_of(execution) == kinds
    assert execution["events"][2]["stateEnteredEventDetails"] == {"name": "Two", "input": '{"rank": 1}'}


def test_a_branch_that_fails_has_entered_the_state_that_fails() -> None:
    execution: dict[str, Any] = {"events": []}
    with pytest.raises(sfn._ExecutionError):
        run_branch(STATES, "Bad", {}, execution, {"QueryLanguage": "JSONPath"})
    assert names_of(execution) == ["FailStateEntered"]

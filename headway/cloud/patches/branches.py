"""The states of a Parallel state's branches and of a Map state's items are in the history.

AWS writes StateEntered and StateExited of each of them (recorded in LocalStack's snapshots; HistoryEventType of
botocore's model). ministack writes only what their tasks do, so that nobody can tell which way a branch took. They are
walked as the machine itself is.
"""

import copy
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions
from headway.cloud.patches.executions import Context, Execution


def run_branch(states: Mapping[str, Any], start: str, data: Any, execution: Execution, context: Context) -> Any:
    """Walk from a branch's first state to its end; return its output."""
    name: str | None = start
    data = copy.deepcopy(data)
    while name:
        executions.go_on()
        name, data = executions.pass_state(execution, states, name, data, context)
    return data


def apply() -> None:
    """Replace the walk through a branch."""
    sfn._run_sub_machine = run_branch

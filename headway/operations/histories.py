"""What an execution did: the definition that it ran by, and its events, from Step Functions or from a saved file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from headway.deployment.connection import Connection
from headway.errors import UsageProblem

Event = Mapping[str, Any]

PAGE_COUNT: Final = 1_000
"""Events of one answer: the most that GetExecutionHistory gives."""
_NOT_THERE: Final = frozenset({"ExecutionDoesNotExist", "InvalidArn"})


@dataclass(frozen=True, slots=True)
class History:
    """An execution by its name; `definition` is the one that it ran by, None where only events are known."""

    run: str
    events: Sequence[Event]
    definition: Mapping[str, Any] | None = None


def history(connection: Connection, workflow: str, run: str) -> History:
    """Ask for an execution of a deployed workflow, by its ARN or its name. UsageProblem where there is none."""
    client = connection.target.client("stepfunctions")
    for arn in _arns(connection, workflow, run):
        try:
            made = client.describe_state_machine_for_execution(executionArn=arn)
            events = list(_events(client, arn))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_THERE:
                raise
            continue
        return History(run.rpartition(":")[2], events, json.loads(made["definition"]))
    raise UsageProblem(
        f"--run {run}: no execution of {workflow} is called so; give its name or its ARN. Express machines keep none"
    )


def _arns(connection: Connection, workflow: str, run: str) -> Iterator[str]:
    """Yield the ARNs that an execution may have: `call_vendor` has a machine for each vendor."""
    if run.startswith("arn:"):
        yield run
        return
    machines = connection.stage.machines(workflow)
    if not machines:
        raise UsageProblem(
            f"{workflow} is not deployed in stage {connection.stage.name}, which has"
            f" {', '.join(connection.stage.workflow_names)}; give the execution's ARN, or another name"
        )
    for machine in dict.fromkeys(machines.values()):
        yield f"{machine.replace(':stateMachine:', ':execution:')}:{run}"


def _events(client: Any, arn: str) -> Iterator[Event]:
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, includeExecutionData=False, maxResults=PAGE_COUNT
    )
    for page in pages:
        yield from page["events"]


def saved_history(path: Path) -> History:
    """Read what `aws stepfunctions get-execution-history` has written, or a list of events. Raises UsageProblem."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageProblem(f"{path}: not JSON: {error}") from error
    events = document.get("events") if isinstance(document, Mapping) else document
    needed = {"id", "type", "timestamp"}
    if not isinstance(events, list) or not all(isinstance(each, Mapping) and needed <= each.keys() for each in events):
        raise UsageProblem(
            f"{path}: no history: an object with `events`, each with `id`, `type` and `timestamp`, has to be in it"
        )
    return History(path.name.partition(".")[0], events)

"""What a run will do, made up before anything starts: whatever cannot work is refused here.

In: the names a person gave, what is deployed, the input file and the results of earlier runs. Out: a PreparedRun.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from headway_lane.contract.limits import Limit, Scope

from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.errors import RunRefused
from headway.run.executions import Executions, code
from headway.run.lines import BadLine, InputLine, Route, parse
from headway.run.results import beside, load
from headway.run.worklist import Worklist, choose


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may choose about a run; `report` None is beside the input, `limit` None is all lines."""

    vendor: str | None = None
    urgent: bool = False
    tenant: str | None = None
    again: bool = False
    limit: int | None = None
    write_report: bool = True
    report: Path | None = None


EVERYTHING: Final = Choices()


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """All that is known before the first execution starts."""

    route: Route
    machines: Mapping[str, str]
    contracts: Mapping[str, Limit]
    bad: Sequence[BadLine]
    worklist: Worklist
    results: Path


def prepare(workflow: str, source: Path, connection: Connection, choices: Choices, configuration: Path) -> PreparedRun:
    """Read the files and choose the attempts. Raises RunRefused or ConfigurationRefused."""
    stage = connection.stage
    machines = stage.machines(workflow)
    if not machines:
        known = ", ".join(stage.workflow_names) or "none"
        raise RunRefused(f"{workflow}: no such workflow on {connection.name}; deployed: {known}")
    vendors = tuple(sorted(machines))
    if choices.vendor is not None and choices.vendor not in vendors:
        raise RunRefused(f"--vendor {choices.vendor}: {workflow} does not call it; it calls {', '.join(vendors)}")
    place = ":".join(machines[vendors[0]].split(":")[3:5])  # region:account
    route = Route(
        workflow=workflow,
        vendors=vendors,
        default_vendor=choices.vendor or (vendors[0] if len(vendors) == 1 else None),
        place=place,
        source=str(source.resolve()),
        urgent_vendors=frozenset(name for name, lane in stage.lanes.items() if lane.urgent_queue_url),
        claims_buckets={name: lane.claims_bucket for name, lane in stage.lanes.items() if lane.caller_function},
        urgent=choices.urgent,
        tenant=choices.tenant,
    )
    try:
        lines = list(parse(source.read_bytes(), route, name=str(source), limit=choices.limit))
    except OSError as error:
        raise RunRefused(f"{source}: {error.strerror}; give a file of JSON lines with --input") from error
    results = beside(source, "results.jsonl")
    good = [line for line in lines if isinstance(line, InputLine)]
    return PreparedRun(
        route=route,
        machines=machines,
        contracts=_contracts(configuration, stage.name, {line.vendor for line in good}),
        bad=[line for line in lines if isinstance(line, BadLine)],
        worklist=choose(good, load(results), again=choices.again),
        results=results,
    )


def _contracts(configuration: Path, stage: str, vendors: set[str]) -> dict[str, Limit]:
    """Return the tightest submit limit of each vendor."""
    known = {name: files.vendor for name, files in vendor_files(configuration, stage).items()}
    if unknown := sorted(vendors - set(known)):
        raise RunRefused(
            f"{configuration / 'vendors' / unknown[0]}.yaml: no such contract, but {unknown[0]} is deployed"
        )
    return {
        name: min(known[name].limits_of(Scope.SUBMIT), key=lambda limit: limit.rate_per_s) for name in sorted(vendors)
    }


def check(executions: Executions, prepared: PreparedRun) -> None:
    """Raise RunRefused where the first StartExecution would fail for a reason that all share."""
    for vendor in sorted({attempt.line.vendor for attempt in prepared.worklist.attempts}):
        try:
            executions.check(prepared.machines[vendor])
        except ClientError as error:
            if code(error) == "StateMachineDoesNotExist":
                workflow = prepared.route.workflow
                raise RunRefused(f"{workflow} for {vendor} is not there any more: deploy again") from error
            raise RunRefused(f"the cloud refuses: {' '.join(str(error).split())}") from error
        except BotoCoreError as error:
            raise RunRefused(f"the cloud cannot be reached: {' '.join(str(error).split())}") from error

"""What a run will do, made up before anything starts: whatever cannot work is refused here.

In: the names a person gave, what is deployed, the input and the results of earlier runs. Out: a PreparedRun.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.vendor import Vendor

from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.errors import RunRefused
from headway.run.executions import Executions, code
from headway.run.line_index import LineIndex
from headway.run.lines import Route
from headway.run.results import beside
from headway.run.source import LineSource
from headway.run.work import Work, look_through


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may choose about a run; `report` None is beside the input, `limit` None is all lines.

    `starts_per_s` and `describes_per_s` are the account's quotas; None: AWS's defaults in the region.
    """

    vendor: str | None = None
    urgent: bool = False
    tenant: str | None = None
    again: bool = False
    limit: int | None = None
    write_report: bool = True
    report: Path | None = None
    starts_per_s: float | None = None
    describes_per_s: float | None = None


EVERYTHING: Final = Choices()


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """All that is known before the first execution starts; `skipped` counts by vendor what has succeeded before."""

    route: Route
    machines: Mapping[str, str]
    vendors: Mapping[str, Vendor]
    index: LineIndex = field(repr=False)
    work: Work = field(repr=False)
    skipped: Mapping[str, int]
    results: Path

    @property
    def contracts(self) -> Mapping[str, Limit]:
        """The tightest submit limit of each vendor."""
        return {
            name: min(vendor.limits_of(Scope.SUBMIT), key=lambda limit: limit.rate_per_s)
            for name, vendor in self.vendors.items()
        }


def prepare(
    workflow: str, source: LineSource, index: LineIndex, connection: Connection, choices: Choices, configuration: Path
) -> PreparedRun:
    """Look the input through, once, and choose the attempts. Raises RunRefused or ConfigurationRefused."""
    stage = connection.stage
    route, machines = route_of(connection, workflow, str(source.name.resolve()), choices.vendor)
    route = replace(route, urgent=choices.urgent, tenant=choices.tenant)
    results = beside(source.name, "results.jsonl")
    index.learn(results)
    skipped = look_through(source, index, route, limit=choices.limit, again=choices.again)
    called = {queue.vendor for queue in index.queues} | set(skipped)
    return PreparedRun(
        route=route,
        machines=machines,
        vendors=_vendors(configuration, stage.name, called),
        index=index,
        work=Work(source, index, route),
        skipped=skipped,
        results=results,
    )


def route_of(connection: Connection, workflow: str, source: str, vendor: str | None) -> tuple[Route, Mapping[str, str]]:
    """Return where the lines of a file at `source` go, those that name no vendor to `vendor`; and the machines that a
    workflow has, by vendor. RunRefused where there are none.
    """
    stage = connection.stage
    machines = stage.machines(workflow)
    if not machines:
        known = ", ".join(stage.workflow_names) or "none"
        raise RunRefused(f"{workflow}: no such workflow on {connection.name}; deployed: {known}")
    vendors = tuple(sorted(machines))
    if vendor is not None and vendor not in vendors:
        raise RunRefused(f"--vendor {vendor}: {workflow} does not call it; it calls {', '.join(vendors)}")
    route = Route(
        workflow=workflow,
        vendors=vendors,
        default_vendor=vendor or (vendors[0] if len(vendors) == 1 else None),
        place=":".join(machines[vendors[0]].split(":")[3:5]),  # region:account
        source=source,
        urgent_vendors=frozenset(name for name, lane in stage.lanes.items() if lane.urgent_queue_url),
        claims_buckets={name: lane.claims_bucket for name, lane in stage.lanes.items() if lane.caller_function},
    )
    return route, machines


def _vendors(configuration: Path, stage: str, called: set[str]) -> dict[str, Vendor]:
    known = {name: files.vendor for name, files in vendor_files(configuration, stage).items()}
    if unknown := sorted(called - set(known)):
        raise RunRefused(
            f"{configuration / 'vendors' / unknown[0]}.yaml: no such contract, but {unknown[0]} is deployed"
        )
    return {name: known[name] for name in sorted(called)}


def check(executions: Executions, prepared: PreparedRun) -> None:
    """Raise RunRefused where the first StartExecution would fail for a reason that all share."""
    for vendor in sorted({queue.vendor for queue in prepared.work.queues}):
        try:
            executions.check(prepared.machines[vendor])
        except ClientError as error:
            if code(error) == "StateMachineDoesNotExist":
                workflow = prepared.route.workflow
                raise RunRefused(f"{workflow} for {vendor} is not there any more: deploy again") from error
            raise RunRefused(f"the cloud refuses: {' '.join(str(error).split())}") from error
        except BotoCoreError as error:
            raise RunRefused(f"the cloud cannot be reached: {' '.join(str(error).split())}") from error

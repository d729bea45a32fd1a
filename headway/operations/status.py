"""How a deployment stands at one moment: what waits in its queues, which jobs are in flight, what its budgets do."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from headway_cdk.published import PublishedLane
from headway_lane.contract.vendor import Vendor

from headway.cloud.state import CloudState
from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.deployment.queues import QueueAttribute, message_count
from headway.errors import NotDeployed
from headway.operations.budgets import US_PER_S, BudgetStatus, budget_statuses
from headway.operations.in_flight import jobs_in_flight_count
from headway.operations.measures import LaneMeasures, measures_of


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What waits in one vendor's lane, in messages; the urgent ones are None where the lane has no urgent queue, the
    callbacks where the vendor calls nobody back, in-flight permits where the contract does not limit jobs in flight.

    `jobs_in_flight_count` leaves out the expired ones, which anybody may take.
    """

    vendor: str
    waiting_count: int
    in_flight_count: int
    urgent_waiting_count: int | None
    urgent_in_flight_count: int | None
    soft_limit_count: int
    dead_count: int
    jobs_in_flight_count: int | None
    jobs_in_flight_limit: int | None
    callbacks_waiting_count: int | None
    callbacks_dead_count: int | None


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A whole deployment, or one vendor of it; `cloud` is None on AWS. `contracts_per_s` are the submits that can go on
    for long, of the vendors whose contract is at hand; `measures` is empty where nobody asked for the last minutes.
    """

    cloud: CloudState | None
    lanes: Sequence[LaneStatus]
    budgets: Sequence[BudgetStatus]
    contracts_per_s: Mapping[str, float] = field(default_factory=dict)
    measures: Sequence[LaneMeasures] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "running": True,
            **(asdict(self.cloud) if self.cloud else {}),
            "lanes": [asdict(lane) for lane in self.lanes],
            "budgets": [asdict(budget) for budget in self.budgets],
            "contracts_per_s": dict(self.contracts_per_s),
            "measures": [asdict(one) for one in self.measures],
        }


def deployment_status(
    connection: Connection, now_us: int, configuration: Path, *, vendor: str | None = None, measured: bool = False
) -> DeploymentStatus:
    """Look at every lane, or at one, at `now_us` since the epoch; what the contracts sell is read from the
    configuration. `measured` asks CloudWatch for the last minutes, too. NotDeployed where there is no such vendor.
    """
    connection = _only(connection, vendor)
    contracts = {name: files.vendor for name, files in vendor_files(configuration, connection.stage.name).items()}
    return DeploymentStatus(
        cloud=connection.cloud,
        lanes=[
            _lane_status(connection, name, lane, contracts.get(name), now_us)
            for name, lane in connection.stage.lanes.items()
        ],
        budgets=budget_statuses(connection, now_us),
        contracts_per_s={name: contracts[name].lasting_rps for name in connection.stage.lanes if name in contracts},
        measures=[
            measures_of(connection, name, lane, now_us / US_PER_S)
            for name, lane in connection.stage.lanes.items()
            if measured
        ],
    )


def _only(connection: Connection, vendor: str | None) -> Connection:
    """Return a connection that sees one vendor's lane, or all."""
    lanes = connection.stage.lanes
    if vendor is None:
        return connection
    if vendor not in lanes:
        raise NotDeployed(f"stage {connection.stage.name} has no vendor {vendor}: it has {', '.join(lanes)}")
    return replace(connection, stage=replace(connection.stage, lanes={vendor: lanes[vendor]}))


def _lane_status(
    connection: Connection, name: str, lane: PublishedLane, contract: Vendor | None, now_us: int
) -> LaneStatus:
    urgent_url = lane.urgent_queue_url
    limit = contract.jobs_in_flight if contract else None
    return LaneStatus(
        vendor=name,
        waiting_count=message_count(connection, lane.request_queue_url),
        in_flight_count=message_count(connection, lane.request_queue_url, QueueAttribute.IN_FLIGHT),
        urgent_waiting_count=message_count(connection, urgent_url) if urgent_url else None,
        urgent_in_flight_count=(
            message_count(connection, urgent_url, QueueAttribute.IN_FLIGHT) if urgent_url else None
        ),
        soft_limit_count=contract.soft_limit_count if contract else 0,
        dead_count=message_count(connection, lane.request_dlq_url),
        jobs_in_flight_count=None if limit is None else jobs_in_flight_count(connection, name, now_us / US_PER_S),
        jobs_in_flight_limit=limit,
        callbacks_waiting_count=message_count(connection, lane.callback_queue_url) if lane.callback_queue_url else None,
        callbacks_dead_count=message_count(connection, lane.callback_dlq_url) if lane.callback_dlq_url else None,
    )

"""The `status` command: is the embedded cloud up, what waits where, which in-flight permits are taken, and who is
cooling down why.
"""

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.cloud import STATE_DIR, StateDir

if TYPE_CHECKING:
    from headway.operations.budgets import BudgetStatus

NOT_RUNNING = 3
"""Exit code where nothing runs, as init scripts have it (LSB)."""
WAITING = "ApproximateNumberOfMessages"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What waits in one vendor's lane, in messages; the urgent ones are None where the lane has no urgent queue,
    in-flight permits where the contract does not limit jobs in flight.

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


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Show whether the embedded cloud runs, what waits in its queues, how many
    jobs in flight a limited vendor has, and what its budgets are cooling down by.

    Exit codes: 0 it runs, 2 it runs but nothing is deployed, 3 it does not run.

    For example:

        headway status

        headway status --json | jq '.lanes[].waiting_count'

        headway status --json | jq '.budgets[] | select(.circuit != "closed")'
    """
    from headway_cdk.configuration import load_vendors
    from headway_cdk.resources import CONFIGURATION
    from headway_lane.limiter.reservation_store import DynamoReservationStore

    from headway.cloud import process
    from headway.deployment.stack import Stack
    from headway.deployment.target import LocalTarget
    from headway.errors import mendable
    from headway.operations.budgets import statuses

    with mendable():
        cloud = process.status(state_dir)
        if cloud is None:
            typer.echo(json.dumps({"running": False}) if as_json else "No embedded cloud is running.")
            raise typer.Exit(NOT_RUNNING)
        stack = Stack.local(state_dir)
        contracts = {file.vendor.name: file.vendor for file in load_vendors(CONFIGURATION)}
        limits = {name: contract.jobs_in_flight for name, contract in contracts.items()}
        table_name = stack.budgets_table
    target = LocalTarget(cloud.endpoint_url)
    sqs = target.client("sqs")
    reservations = DynamoReservationStore(target.table(table_name))
    budgets = statuses(reservations, stack.vendors, time.time_ns() // 1_000)
    lanes = [
        LaneStatus(
            vendor=vendor,
            waiting_count=_count(sqs, resources["request_queue_url"], WAITING),
            in_flight_count=_count(sqs, resources["request_queue_url"], IN_FLIGHT),
            urgent_waiting_count=_count(sqs, urgent_url, WAITING) if urgent_url else None,
            urgent_in_flight_count=_count(sqs, urgent_url, IN_FLIGHT) if urgent_url else None,
            soft_limit_count=contracts[vendor].soft_limit_count if vendor in contracts else 0,
            dead_count=_count(sqs, resources["request_dlq_url"], WAITING),
            jobs_in_flight_limit=(limit := limits.get(vendor)),
            jobs_in_flight_count=None
            if limit is None
            else jobs_in_flight_taken(target.client("dynamodb"), table_name, vendor, time.time()),
        )
        for vendor, resources in stack.vendors.items()
        for urgent_url in [resources.get("urgent_queue_url")]
    ]
    callbacks = {
        "waiting_count": _count(sqs, stack.outputs["CallbackQueueUrl"], WAITING),
        "dead_count": _count(sqs, stack.outputs["CallbackDlqUrl"], WAITING),
    }
    if as_json:
        document = {
            "running": True,
            **asdict(cloud),
            "lanes": [asdict(lane) for lane in lanes],
            "callbacks": callbacks,
            "budgets": [asdict(budget) for budget in budgets],
        }
        typer.echo(json.dumps(document, indent=2))
        return
    _print(cloud.endpoint_url, cloud.pid, lanes, callbacks)
    if budgets:
        _print_budgets(budgets)


def _count(sqs: Any, url: str, attribute: str) -> int:
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"][attribute])


def jobs_in_flight_taken(dynamodb: Any, table_name: str, vendor: str, now_s: float) -> int:
    """Count the in-flight permits of a vendor that have not expired, read consistently."""
    from headway_lane.limiter.in_flight import in_flight_key
    from headway_lane.limiter.in_flight_store import InFlightAttribute
    from headway_lane.limiter.reservation_store import BudgetAttribute

    answer = dynamodb.get_item(
        TableName=table_name, Key={BudgetAttribute.BUDGET: {"S": in_flight_key(vendor)}}, ConsistentRead=True
    )
    in_flight = answer.get("Item", {}).get(InFlightAttribute.HOLDERS, {"M": {}})["M"]
    return sum(int(until["N"]) > now_s for until in in_flight.values())


def _print(endpoint_url: str, pid: int, lanes: list[LaneStatus], callbacks: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    out = Console(highlight=False)
    out.print(f"The embedded cloud listens at {endpoint_url} (pid {pid}).")
    table = Table("queue", "waiting", "in flight", "soft limit", "dead letters", "in-flight permits taken")
    for lane in lanes:
        counts = (lane.waiting_count, lane.in_flight_count, lane.soft_limit_count, lane.dead_count)
        in_flight = (
            "" if lane.jobs_in_flight_limit is None else f"{lane.jobs_in_flight_count} of {lane.jobs_in_flight_limit}"
        )
        table.add_row(f"requests to {lane.vendor}", *map(str, counts), in_flight)
        if lane.urgent_waiting_count is not None:
            urgent = (lane.urgent_waiting_count, lane.urgent_in_flight_count)
            table.add_row(f"urgent requests to {lane.vendor}", *map(str, urgent), "", "", "")
    table.add_row("callbacks", str(callbacks["waiting_count"]), "", "", str(callbacks["dead_count"]), "")
    out.print(table)


def _print_budgets(budgets: "list[BudgetStatus]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("budget", "next free slot", "cooled_down", "circuit")
    for budget in budgets:
        cooled_down = (
            f"{budget.cool_down_for_s:.1f} s more: {budget.cool_down_reason}" if budget.cool_down_reason else ""
        )
        table.add_row(f"{budget.vendor} {budget.scope}", f"in {budget.free_in_s:.1f} s", cooled_down, budget.circuit)
    Console(highlight=False).print(table)

"""The `status` command: is the embedded cloud up, what waits where, and who is braked why."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.cloud import STATE_DIR, StateDir

if TYPE_CHECKING:
    from headway.budgets import BudgetStatus

NOT_RUNNING = 3
"""Exit code where nothing runs, as init scripts have it (LSB)."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What waits in one vendor's lane, in messages."""

    vendor: str
    waiting_count: int
    in_flight_count: int
    soft_limit_count: int
    dead_count: int


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Show whether the embedded cloud runs, what waits in its queues, and what its budgets are braked by.

    Exit codes: 0 it runs, 2 it runs but nothing is deployed, 3 it does not run.

    For example:

        headway status

        headway status --json | jq '.lanes[].waiting_count'

        headway status --json | jq '.budgets[] | select(.circuit != "closed")'
    """
    import time

    from cdk.configuration import load_vendors
    from functions.limiter.store import DynamoBookStore
    from headway.budgets import statuses
    from headway.cloud import process
    from headway.cloud.endpoint import LocalTarget
    from headway.errors import mendable
    from headway.stack import Stack
    from headway.synthesis import CONFIGURATION

    with mendable():
        cloud = process.status(state_dir)
        if cloud is None:
            typer.echo(json.dumps({"running": False}) if as_json else "No embedded cloud is running.")
            raise typer.Exit(NOT_RUNNING)
        stack = Stack.local(state_dir)
        soft_limits = {file.vendor.name: file.vendor.soft_limit_count for file in load_vendors(CONFIGURATION)}
    target = LocalTarget(cloud.endpoint_url)
    sqs = target.client("sqs")
    books = DynamoBookStore(target.table(stack.outputs["BudgetsTable"]))
    budgets = statuses(books, stack.vendors, time.time_ns() // 1_000)
    lanes = [
        LaneStatus(
            vendor=vendor,
            waiting_count=_count(sqs, resources["request_queue_url"], "ApproximateNumberOfMessages"),
            in_flight_count=_count(sqs, resources["request_queue_url"], "ApproximateNumberOfMessagesNotVisible"),
            soft_limit_count=soft_limits.get(vendor, 0),
            dead_count=_count(sqs, resources["request_dlq_url"], "ApproximateNumberOfMessages"),
        )
        for vendor, resources in stack.vendors.items()
    ]
    callbacks = {
        "waiting_count": _count(sqs, stack.outputs["CallbackQueueUrl"], "ApproximateNumberOfMessages"),
        "dead_count": _count(sqs, stack.outputs["CallbackDlqUrl"], "ApproximateNumberOfMessages"),
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


def _print(endpoint_url: str, pid: int, lanes: list[LaneStatus], callbacks: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    out = Console(highlight=False)
    out.print(f"The embedded cloud listens at {endpoint_url} (pid {pid}).")
    table = Table("queue", "waiting", "in flight", "soft limit", "dead letters")
    for lane in lanes:
        counts = (lane.waiting_count, lane.in_flight_count, lane.soft_limit_count, lane.dead_count)
        table.add_row(f"requests to {lane.vendor}", *map(str, counts))
    table.add_row("callbacks", str(callbacks["waiting_count"]), "", "", str(callbacks["dead_count"]))
    out.print(table)


def _print_budgets(budgets: "list[BudgetStatus]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("budget", "next free slot", "braked", "circuit")
    for budget in budgets:
        braked = f"{budget.braked_for_s:.1f} s more: {budget.brake_reason}" if budget.brake_reason else ""
        table.add_row(f"{budget.vendor} {budget.scope}", f"in {budget.free_in_s:.1f} s", braked, budget.circuit)
    Console(highlight=False).print(table)

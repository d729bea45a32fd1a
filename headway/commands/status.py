"""The `status` command: is the embedded cloud up, and what waits where."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from headway.commands.cloud import STATE_DIR, StateDir

NOT_RUNNING = 3
"""Exit code where nothing runs, as init scripts have it (LSB)."""
WAITING = "ApproximateNumberOfMessages"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What waits in one vendor's lane, in messages; the urgent ones are None where the lane has no urgent queue."""

    vendor: str
    waiting_count: int
    in_flight_count: int
    urgent_waiting_count: int | None
    urgent_in_flight_count: int | None
    soft_limit_count: int
    dead_count: int


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Show whether the embedded cloud runs, and what waits in its queues.

    Exit codes: 0 it runs, 2 it runs but nothing is deployed, 3 it does not run.

    For example:

        headway status

        headway status --json | jq '.lanes[].waiting_count'
    """
    from cdk.configuration import load_vendors
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
    sqs = LocalTarget(cloud.endpoint_url).client("sqs")
    lanes = [
        LaneStatus(
            vendor=vendor,
            waiting_count=_count(sqs, resources["request_queue_url"], WAITING),
            in_flight_count=_count(sqs, resources["request_queue_url"], IN_FLIGHT),
            urgent_waiting_count=_count(sqs, urgent_url, WAITING) if urgent_url else None,
            urgent_in_flight_count=_count(sqs, urgent_url, IN_FLIGHT) if urgent_url else None,
            soft_limit_count=soft_limits.get(vendor, 0),
            dead_count=_count(sqs, resources["request_dlq_url"], WAITING),
        )
        for vendor, resources in stack.vendors.items()
        for urgent_url in [resources.get("urgent_queue_url")]
    ]
    callbacks = {
        "waiting_count": _count(sqs, stack.outputs["CallbackQueueUrl"], WAITING),
        "dead_count": _count(sqs, stack.outputs["CallbackDlqUrl"], WAITING),
    }
    if as_json:
        document = {"running": True, **asdict(cloud), "lanes": [asdict(lane) for lane in lanes], "callbacks": callbacks}
        typer.echo(json.dumps(document, indent=2))
        return
    _print(cloud.endpoint_url, cloud.pid, lanes, callbacks)


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
        if lane.urgent_waiting_count is not None:
            urgent = (lane.urgent_waiting_count, lane.urgent_in_flight_count)
            table.add_row(f"urgent requests to {lane.vendor}", *map(str, urgent), "", "")
    table.add_row("callbacks", str(callbacks["waiting_count"]), "", "", str(callbacks["dead_count"]))
    out.print(table)

"""The commands `pause`, `resume` and `drain`: whether a vendor's calls are dispatched."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.agreement import agree
from headway.commands.options import AsJson, Profile, Region, Stage, StateDir, Target, Yes
from headway.deployment.target_name import TargetName
from headway.terminal import console, say, spinning

if TYPE_CHECKING:
    from headway_cdk.names import Dispatching

    from headway.deployment.connection import Connection

NOT_EMPTY = 1
"""Exit code where a lane was not empty in time."""

Vendor = Annotated[str, typer.Argument(help="A vendor of the stage.")]


def pause(
    *,
    vendor: Vendor,
    yes: Yes = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Let no call of a vendor leave: calls wait in their queues until resumed.

    Says first how many wait, and within which time they reach their deadlines,
    and asks where any does. Waiting spends no receive, and deployments leave
    the lane as it is. What was taken already ends.

    For example:

        headway pause replicate

        headway pause replicate --target aws --stage prod --yes --json
    """
    from headway_cdk.names import Dispatching

    from headway.operations import dispatching

    connection = _connect(target, profile, region, stage, state_dir=state_dir)
    before = dispatching.state_of(connection, vendor)
    cost = dispatching.forecast(connection, vendor)
    if not as_json:
        say(f"{before} -> {Dispatching.PAUSED}: {cost}.")
    if cost.waiting_count:
        agree(f"{cost.waiting_count:,} calls wait. Pause {vendor}?", yes=yes, can_ask=not as_json)
    _put(connection, vendor, Dispatching.PAUSED)
    if as_json:
        _print(vendor, before, Dispatching.PAUSED, **asdict(cost))
    else:
        say(f"{vendor} is paused, and stays so until `headway resume {vendor}`.")


def resume(
    *,
    vendor: Vendor,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Let calls of a paused or drained vendor leave again.

    For example:

        headway resume replicate
    """
    from headway_cdk.names import Dispatching

    from headway.operations import dispatching

    connection = _connect(target, profile, region, stage, state_dir=state_dir)
    before = dispatching.state_of(connection, vendor)
    backlog = dispatching.backlog(connection, vendor)
    _put(connection, vendor, Dispatching.OPEN)
    if as_json:
        _print(vendor, before, Dispatching.OPEN, waiting_count=backlog.waiting_count, takes_s=backlog.takes_s)
    else:
        say(f"{before} -> {Dispatching.OPEN}: {backlog}.")


def drain(
    *,
    vendor: Vendor,
    wait: Annotated[bool, typer.Option("--wait", help="Until what was begun has ended.")] = False,
    timeout_s: Annotated[float, typer.Option(help="The longest that --wait waits, in seconds.", min=0)] = 3_600,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Let nothing new start, and what was begun end: before a deployment.

    `headway run` starts no call of a drained vendor; one that is at work has to
    be stopped (Ctrl-C: it goes on later where it was), as whatever else starts
    executions. The queues are emptied, jobs at the vendor end.

    Exit codes: 0 done, 1 the lane was not empty in time, 2 refused.

    For example:

        headway drain replicate --wait

        headway drain replicate --wait --timeout-s 600 --json
    """
    from headway_cdk.names import Dispatching

    from headway.operations import dispatching
    from headway.operations.forecasts import duration

    connection = _connect(target, profile, region, stage, state_dir=state_dir)
    before = dispatching.state_of(connection, vendor)
    backlog = dispatching.backlog(connection, vendor)
    if not as_json:
        say(f"{before} -> {Dispatching.DRAINING}: {backlog}.")
    _put(connection, vendor, Dispatching.DRAINING)
    left = dispatching.in_the_lane(connection, vendor)
    if wait:
        until_s = time.monotonic() + timeout_s
        with spinning(console(stderr=True), f"draining {vendor}") as phrase:
            while not left.is_empty and time.monotonic() < until_s:
                phrase(f"draining {vendor}: {left}")
                time.sleep(dispatching.LOOK_S)
                left = dispatching.in_the_lane(connection, vendor)
    if as_json:
        _print(vendor, before, Dispatching.DRAINING, **asdict(left), is_empty=left.is_empty)
    elif left.is_empty:
        say(f"{vendor} is empty. Deploy, then `headway resume {vendor}`.")
    else:
        say(f"Left: {left}." + (f" Not empty after {duration(timeout_s)}." if wait else ""))
    if wait and not left.is_empty:
        raise typer.Exit(NOT_EMPTY)


def _connect(
    target: TargetName, profile: str | None, region: str | None, stage: str | None, *, state_dir: Path
) -> "Connection":
    from headway.deployment.connection import connect

    return connect(target, profile=profile, region=region, stage=stage, state_dir=state_dir)


def _put(connection: "Connection", vendor: str, wanted: "Dispatching") -> None:
    """Make it so, with a spinner: Lambda takes its time."""
    from headway.operations import dispatching

    with spinning(console(stderr=True), f"{vendor}: {wanted}"):
        dispatching.put(connection, vendor, wanted)


def _print(vendor: str, before: "Dispatching", after: "Dispatching", **more: object) -> None:
    typer.echo(json.dumps({"vendor": vendor, "before": before, "after": after, **more}, indent=2))

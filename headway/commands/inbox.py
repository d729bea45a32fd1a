"""The `inbox` commands, for operators: callbacks that were put aside, their replay, answers that nobody waits for."""

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.options import AsJson, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.terminal import console, say

if TYPE_CHECKING:
    from headway.operations.dead_letters import DeadLetter

app = typer.Typer(
    name="inbox",
    help="For operators: callbacks that were put aside, and answers that nobody waits for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OfVendor = Annotated[str | None, typer.Option("--vendor", help="Only those of one vendor.", show_default=False)]
WithOutcome = Annotated[
    str | None,
    typer.Option("--outcome", help="Only those put aside as: Forged, Malformed, Unprocessed.", show_default=False),
]
AtMost = Annotated[int | None, typer.Option("--limit", help="So many at most.", min=1, show_default=False)]


@app.command()
def dead_letters(
    *,
    vendor: OfVendor = None,
    outcome: WithOutcome = None,
    limit: AtMost = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="With --json: print the bodies, too.")] = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """List callbacks that were put aside, with the reason.

    They stay where they are. Signatures are not printed; bodies only if asked
    for.

    For example:

        headway inbox dead-letters

        headway inbox dead-letters --vendor acme --outcome Malformed --json --bodies
    """
    from headway.deployment.connection import connect
    from headway.operations.dead_letters import Wanted, listed

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    found = listed(connection, Wanted(vendor, outcome, limit))
    if as_json:
        typer.echo(json.dumps([_as_json(dead_letter, bodies=bodies) for dead_letter in found], indent=2))
    else:
        rows = [
            [one.vendor, one.outcome, one.reason, f"{len(one.body):,}", _ago(one.received_epoch_s)] for one in found
        ]
        _print(["vendor", "outcome", "reason", "bytes", "came"], rows, otherwise="No callback was put aside.")


@app.command()
def replay(
    *,
    vendor: OfVendor = None,
    outcome: WithOutcome = None,
    limit: AtMost = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Send callbacks that were put aside to the inbox once more.

    As they came, with the moment of their first arrival: after a key was
    entered in Secrets Manager, or a status in the contract. What is refused
    again is put aside again.

    Exit codes: 0 all were sent, 1 some cannot be: they did not come through
    the callback API.

    For example:

        headway inbox replay --vendor acme --outcome Forged
    """
    from dataclasses import asdict
    from functools import partial

    from rich.progress import track

    from headway.deployment.connection import connect
    from headway.operations import dead_letters as operation

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    bar = partial(track, description="replaying", console=console(stderr=True), transient=True, disable=as_json)
    done = operation.replay(connection, operation.Wanted(vendor, outcome, limit), bar)
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
    else:
        say(f"{done.replayed_count} sent to the inbox once more" + _unusable(done.unusable_count))
    raise typer.Exit(1 if done.unusable_count else 0)


@app.command()
def orphans(
    *,
    vendor: OfVendor = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """List answers whose job ID no call of ours has.

    A submit that is answered with that job ID takes its answer at once. One
    that stays belongs to another system on the same account, or to a submit
    that was given up.

    For example:

        headway inbox orphans --json
    """
    from dataclasses import asdict

    from headway.deployment.connection import connect
    from headway.operations.orphans import orphans as orphans_of

    found = orphans_of(connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage), vendor)
    if as_json:
        typer.echo(json.dumps([asdict(orphan) for orphan in found], indent=2))
    else:
        rows = [[one.vendor, one.job_id, one.status, _ago(one.answered_epoch_ms / 1_000)] for one in found]
        _print(["vendor", "job", "status", "since"], rows, otherwise="No answer is without a call.")


def _as_json(dead_letter: "DeadLetter", *, bodies: bool) -> dict[str, Any]:
    return {
        "message_id": dead_letter.message_id,
        "vendor": dead_letter.vendor,
        "outcome": dead_letter.outcome,
        "reason": dead_letter.reason,
        "received_epoch_s": dead_letter.received_epoch_s,
        "size_bytes": len(dead_letter.body),
        **({"body": dead_letter.body.decode(errors="replace")} if bodies else {}),
    }


def _print(columns: list[str], rows: list[list[str]], *, otherwise: str) -> None:
    """Print a table, or a sentence where it would be empty."""
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console().print(table if rows else otherwise)


def _unusable(count: int) -> str:
    return f"; {count} cannot be: they did not come through the callback API" if count else ""


def _ago(epoch_s: float) -> str:
    moment = datetime.fromtimestamp(epoch_s, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {max(0, time.time() - epoch_s) / 60:.0f} min ago"

"""The `inbox` commands, for operators: callbacks that were put aside, their replay, answers that nobody waits for."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.callback import AsJson
from headway.commands.run import TargetName
from headway.errors import mendable

if TYPE_CHECKING:
    from headway.deployment.connection import Connection
    from headway.operations.dead_letters import DeadLetter, DeadLetters

STATE_DIR = Path(".headway")

app = typer.Typer(
    name="inbox",
    help="For operators: callbacks that were put aside, and answers that nobody waits for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Target = Annotated[TargetName, typer.Option(help="The embedded cloud, or AWS.")]
Vendor = Annotated[str | None, typer.Option(help="Only those of one vendor.", show_default=False)]
Outcome = Annotated[
    str | None, typer.Option(help="Only those put aside as: Forged, Malformed, Unprocessed.", show_default=False)
]
Limit = Annotated[int | None, typer.Option(help="So many at most.", min=1, show_default=False)]
Profile = Annotated[str | None, typer.Option(help="AWS profile.")]
Region = Annotated[str | None, typer.Option(help="AWS region.")]
StateDir = Annotated[Path, typer.Option(help="Where the embedded cloud keeps its state.")]


@app.command()
def dead_letters(
    vendor: Vendor = None,
    outcome: Outcome = None,
    limit: Limit = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="With --json: print the bodies, too.")] = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """List callbacks that were put aside, with the reason.

    They stay where they are. Signatures are not printed; bodies only if asked
    for.

    For example:

        headway inbox dead letters

        headway inbox dead letters --vendor acme --outcome Malformed --json --bodies
    """
    dlq = _dead_letters(_connect(target, profile, region, state_dir))
    found = list(dlq.take(limit))
    dlq.requeue(found)
    chosen = _chosen(found, vendor, outcome)
    if as_json:
        typer.echo(json.dumps([_as_json(dead_letter, bodies=bodies) for dead_letter in chosen], indent=2))
    else:
        _print_dead_letters(chosen)


@app.command()
def replay(
    vendor: Vendor = None,
    outcome: Outcome = None,
    limit: Limit = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    state_dir: StateDir = STATE_DIR,
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
    from rich.progress import track

    dlq = _dead_letters(_connect(target, profile, region, state_dir))
    found = list(dlq.take(limit))
    chosen = [dead_letter for dead_letter in _chosen(found, vendor, outcome) if dead_letter.can_be_replayed]
    left = [dead_letter for dead_letter in found if dead_letter not in chosen]
    unusable_count = len(_chosen(left, vendor, outcome))
    sent_count = 0
    try:
        for dead_letter in track(chosen, description="replaying", console=_status(), transient=True, disable=as_json):
            dlq.replay(dead_letter)
            sent_count += 1
    finally:
        dlq.requeue([*left, *chosen[sent_count:]])
    if as_json:
        typer.echo(json.dumps({"replayed_count": sent_count, "unusable_count": unusable_count}, indent=2))
    else:
        typer.echo(f"{sent_count} sent to the inbox once more" + _unusable(unusable_count))
    raise typer.Exit(1 if unusable_count else 0)


@app.command()
def orphans(
    vendor: Vendor = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """List answers whose job ID no call of ours has.

    A submit that is answered with that job ID takes its answer at once. One
    that stays belongs to another system on the same account, or to a submit
    that was given up.

    For example:

        headway inbox orphans --json
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from headway.operations import orphans as answers

    cloud = _connect(target, profile, region, state_dir)
    found = [
        orphan
        for orphan in answers.orphans(cloud.target.client("dynamodb"), cloud.stack.outputs["JobsTable"])
        if vendor in (None, orphan.vendor)
    ]
    if as_json:
        typer.echo(json.dumps([asdict(orphan) for orphan in found], indent=2))
        return
    table = Table("vendor", "job", "status", "since")
    for orphan in found:
        table.add_row(orphan.vendor, orphan.job_id, orphan.status, _ago(orphan.answered_epoch_ms / 1_000))
    Console(highlight=False).print(table if found else "No answer is without a call.")


def _connect(target: TargetName, profile: str | None, region: str | None, state_dir: Path) -> "Connection":
    from headway.deployment import connection

    with mendable():
        return connection.connect(target.value, profile=profile, region=region, state_dir=state_dir)


def _dead_letters(cloud: "Connection") -> "DeadLetters":
    from headway.operations.dead_letters import DeadLetters

    outputs = cloud.stack.outputs
    return DeadLetters(cloud.target.client("sqs"), outputs["CallbackDlqUrl"], outputs["CallbackQueueUrl"])


def _chosen(found: "list[DeadLetter]", vendor: str | None, outcome: str | None) -> "list[DeadLetter]":
    chosen = [
        dead_letter
        for dead_letter in found
        if vendor in (None, dead_letter.vendor) and outcome in (None, dead_letter.outcome)
    ]
    return sorted(chosen, key=lambda dead_letter: dead_letter.received_epoch_s)


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


def _print_dead_letters(chosen: "list[DeadLetter]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("vendor", "outcome", "reason", "bytes", "came")
    for dead_letter in chosen:
        size = f"{len(dead_letter.body):,}"
        table.add_row(
            dead_letter.vendor, dead_letter.outcome, dead_letter.reason, size, _ago(dead_letter.received_epoch_s)
        )
    Console(highlight=False).print(table if chosen else "No callback was put aside.")


def _status() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _unusable(count: int) -> str:
    return f"; {count} cannot be: they did not come through the callback API" if count else ""


def _ago(epoch_s: float) -> str:
    moment = datetime.fromtimestamp(epoch_s, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {max(0, time.time() - epoch_s) / 60:.0f} min ago"

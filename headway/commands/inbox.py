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
    from headway.operations.dead_letters import Letter, Letters

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
def letters(
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

        headway inbox letters

        headway inbox letters --vendor acme --outcome Malformed --json --bodies
    """
    dlq = _letters(_connect(target, profile, region, state_dir))
    found = list(dlq.take(limit))
    dlq.put_back(found)
    chosen = _chosen(found, vendor, outcome)
    if as_json:
        typer.echo(json.dumps([_as_json(letter, bodies=bodies) for letter in chosen], indent=2))
    else:
        _print_letters(chosen)


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

    dlq = _letters(_connect(target, profile, region, state_dir))
    found = list(dlq.take(limit))
    chosen = [letter for letter in _chosen(found, vendor, outcome) if letter.can_be_replayed]
    left = [letter for letter in found if letter not in chosen]
    unusable_count = len(_chosen(left, vendor, outcome))
    sent_count = 0
    try:
        for letter in track(chosen, description="replaying", console=_status(), transient=True, disable=as_json):
            dlq.replay(letter)
            sent_count += 1
    finally:
        dlq.put_back([*left, *chosen[sent_count:]])
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


def _letters(cloud: "Connection") -> "Letters":
    from headway.operations.dead_letters import Letters

    outputs = cloud.stack.outputs
    return Letters(cloud.target.client("sqs"), outputs["CallbackDlqUrl"], outputs["CallbackQueueUrl"])


def _chosen(found: "list[Letter]", vendor: str | None, outcome: str | None) -> "list[Letter]":
    chosen = [letter for letter in found if vendor in (None, letter.vendor) and outcome in (None, letter.outcome)]
    return sorted(chosen, key=lambda letter: letter.received_epoch_s)


def _as_json(letter: "Letter", *, bodies: bool) -> dict[str, Any]:
    return {
        "message_id": letter.message_id,
        "vendor": letter.vendor,
        "outcome": letter.outcome,
        "reason": letter.reason,
        "received_epoch_s": letter.received_epoch_s,
        "size_bytes": len(letter.body),
        **({"body": letter.body.decode(errors="replace")} if bodies else {}),
    }


def _print_letters(chosen: "list[Letter]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("vendor", "outcome", "reason", "bytes", "came")
    for letter in chosen:
        size = f"{len(letter.body):,}"
        table.add_row(letter.vendor, letter.outcome, letter.reason, size, _ago(letter.received_epoch_s))
    Console(highlight=False).print(table if chosen else "No callback was put aside.")


def _status() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _unusable(count: int) -> str:
    return f"; {count} cannot be: they did not come through the callback API" if count else ""


def _ago(epoch_s: float) -> str:
    moment = datetime.fromtimestamp(epoch_s, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {max(0, time.time() - epoch_s) / 60:.0f} min ago"

"""The `dlq` commands, for operators: what was put aside, why, and how it goes on."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.choices import NewerThan, OfVendor, OlderThan, cut, moment, so_many, sure
from headway.commands.options import AsJson, ConfigDir, Profile, Region, Stage, StateDir, Target, Yes
from headway.deployment.target_name import TargetName
from headway.terminal import say

if TYPE_CHECKING:
    from headway.operations.dead_letters import DeadLetter, Wanted

app = typer.Typer(
    name="dlq",
    help="For operators: calls and callbacks that were put aside, and their redrive.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class QueueChoice(StrEnum):
    """The two DLQs of a lane."""

    REQUESTS = "requests"
    CALLBACKS = "callbacks"


OfQueue = Annotated[
    QueueChoice | None, typer.Option("--queue", help="Only calls, or only callbacks.", show_default=False)
]
WithError = Annotated[
    str | None,
    typer.Option(
        "--error", help="Only those put aside as, say, Vendor.Rejected, Forged, Unprocessed.", show_default=False
    ),
]
AtMost = Annotated[int | None, typer.Option("--limit", help="So many at most.", min=1, show_default=False)]
Id = Annotated[str | None, typer.Option("--id", help="Only the one with this message ID or call ID.")]
FEW = 100
"""How many are listed where nobody says."""


@app.command("list")
def list_(
    *,
    vendor: OfVendor = None,
    queue: OfQueue = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most; 0 for all.", min=0)] = FEW,
    bodies: Annotated[bool, typer.Option("--bodies", help="With --json: print the messages, too.")] = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """List dead letters, with the reason and since when.

    They stay where they are, and are out of sight for as long as the list
    takes. SQS gives them in no order. Task tokens are never shown, messages only
    if asked for.

    For example:

        headway dlq list --error Vendor.Rejected --newer-than 2h

        headway dlq list --vendor acme --queue callbacks --limit 0 --json
    """
    from headway.deployment.connection import connect
    from headway.operations.dead_letters import Wanted, dead_letters

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    wanted = Wanted(vendor, _queue(queue), error, older_than, newer_than, None, limit or None)
    found = dead_letters(connection, wanted, time.time())
    if as_json:
        _say_array(_document(dead) if bodies else dead.as_json() for dead in found)
        return
    count = 0
    for count, dead in enumerate(found, start=1):  # noqa: B007 - how many there were
        say(_line(dead))
    say(so_many(count, limit) if count else "No dead letter.", err=bool(count))


@app.command()
def show(
    *,
    identity: Annotated[str, typer.Argument(metavar="ID", help="A message ID or a call ID of `dlq list`.")],
    vendor: OfVendor = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Show a dead letter with the original message; never its task token.

    Exit codes: 0 it is there, 1 it is not.

    For example:

        headway dlq show 0f0e6a7c-6b7e-4b8f-9d3f-0a1b2c3d4e5f
    """
    from headway.deployment.connection import connect
    from headway.operations.dead_letters import Wanted, dead_letters

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    dead = next(dead_letters(connection, Wanted(vendor, id=identity, limit=1), time.time()), None)
    if dead is None:
        say(f"headway: {identity}: no dead letter is called so; see `headway dlq list`", err=True)
        raise typer.Exit(1)
    document = _document(dead)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for name, value in document.items():
        text = json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        say(f"{name}: {moment(dead.since_epoch_s) + ' UTC' if name == 'since_epoch_s' else text}")


@app.command()
def redrive(
    *,
    vendor: OfVendor = None,
    queue: OfQueue = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    identity: Id = None,
    limit: AtMost = None,
    yes: Yes = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Let what was put aside go on, through the lane's queues and at its pace.

    A call that failed: its execution is redriven, and takes what the vendor has
    of it already. A request or an errand: to its queue again. A callback: to the
    inbox, with the moment of its first arrival. No more wait than the soft
    limit; the rest stays here until there is room. Broken off, it is run again.

    Exit codes: 0 all went on, 1 some were left, with the reason.

    For example:

        headway dlq redrive --error Vendor.Rejected --vendor acme

        headway dlq redrive --queue callbacks --error Forged --yes
    """
    from headway.deployment import connection as connections
    from headway.deployment.contracts import vendor_files
    from headway.deployment.projects import project_here
    from headway.operations.dead_letters import Wanted
    from headway.operations.redrives import RedriveOutcome
    from headway.operations.redrives import redrive as operation

    project = project_here(config_dir, stage)
    connection = connections.connect(target, profile=profile, region=region, state_dir=state_dir, stage=project.stage)
    wanted = Wanted(vendor, _queue(queue), error, older_than, newer_than, identity, limit)
    sure(f"Redrives {_words(wanted)}; calls that failed go to their vendors again.", yes=yes)
    limits = {
        name: files.vendor.soft_limit_count
        for name, files in vendor_files(project.configuration, project.stage).items()
    }
    counts: Counter[str] = Counter()
    for redriven in operation(connection, wanted, time.time(), limits.get):
        counts[redriven.outcome] += 1
        if redriven.outcome is RedriveOutcome.LEFT:
            say(f"left: {_line(redriven.dead)}: {redriven.reason}", err=True)
    if as_json:
        typer.echo(json.dumps({outcome: counts[outcome] for outcome in RedriveOutcome}, indent=2))
    else:
        told = [f"{counts[outcome]:,} {outcome}" for outcome in RedriveOutcome if counts[outcome]]
        say(", ".join(told) or "No dead letter.")
    raise typer.Exit(1 if counts[RedriveOutcome.LEFT] else 0)


@app.command()
def purge(
    *,
    vendor: OfVendor = None,
    queue: OfQueue = None,
    error: WithError = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    identity: Id = None,
    limit: AtMost = None,
    yes: Yes = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Delete dead letters for good.

    A request that is deleted is never called; its task ends by its heartbeat.

    For example:

        headway dlq purge --queue callbacks --error Forged --older-than 1d
    """
    from headway.deployment.connection import connect
    from headway.operations.dead_letters import Wanted
    from headway.operations.dead_letters import purge as operation

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    wanted = Wanted(vendor, _queue(queue), error, older_than, newer_than, identity, limit)
    sure(f"Deletes {_words(wanted)} for good.", yes=yes)
    count = sum(1 for _ in operation(connection, wanted, time.time()))
    typer.echo(json.dumps({"purged_count": count}, indent=2)) if as_json else say(f"{count:,} deleted")


def _document(dead: "DeadLetter") -> dict[str, Any]:
    return {**dead.as_json(), "original": dead.original()}


def _queue(choice: QueueChoice | None) -> Any:
    from headway.operations.dead_letters import DeadQueue

    return None if choice is None else DeadQueue(choice)


def _words(wanted: "Wanted") -> str:
    """Say which dead letters are meant."""
    named = {"vendor": wanted.vendor, "queue": wanted.queue, "error": wanted.error, "ID": wanted.id}
    chosen = [f"{name} {value}" for name, value in named.items() if value is not None]
    if wanted.older_than_s is not None:
        chosen.append(f"older than {wanted.older_than_s:g} s")
    if wanted.newer_than_s is not None:
        chosen.append(f"newer than {wanted.newer_than_s:g} s")
    many = "all dead letters" if wanted.limit is None else f"at most {wanted.limit:,} dead letters"
    return f"{many} ({', '.join(chosen)})" if chosen else f"{many} of all vendors"


def _line(dead: "DeadLetter") -> str:
    name = dead.call_id or dead.message_id
    what = f"{dead.vendor}  {dead.kind}  {dead.error}  {name}"
    return f"{moment(dead.since_epoch_s)}  {what}  {cut(dead.cause, 120)}"


def _say_array(documents: Iterable[Any]) -> None:
    """Print a JSON array, an element at a time."""
    between = "["
    for document in documents:
        say(between + json.dumps(document))
        between = ","
    say("[]" if between == "[" else "]")

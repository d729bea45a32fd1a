"""The `calls` commands, for operators: which calls there are, and what became of one, hop by hop."""

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.choices import NewerThan, OfVendor, OlderThan, cut, moment, so_many
from headway.commands.options import AsJson, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.terminal import console, say

if TYPE_CHECKING:
    from headway.deployment.connection import Connection
    from headway.operations.call_traces import CallTrace
    from headway.operations.calls import KnownCall

app = typer.Typer(
    name="calls",
    help="For operators: calls in the ledger, and the life of one of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FEW = 50
"""How many are listed where nobody says."""
Identity = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="A call ID, a trace, a job ID, an execution's ARN or name, or FILE:LINE of a run.",
    ),
]
Workflow = Annotated[str, typer.Option(help="For FILE:LINE: the workflow that was run.")]


@app.command("list")
def list_(
    *,
    vendor: OfVendor = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only those that stand there: queued, accepted, rejected, ...", show_default=False),
    ] = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most; 0 for all.", min=0)] = FEW,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """List calls of the ledger, in no order, with where they stand and since when.

    The table is read as a whole, page by page: for a person, not for a loop.

    For example:

        headway calls list --vendor acme --state accepted --older-than 30m

        headway calls list --state rejected --newer-than 1h --json
    """
    from headway_lane.ledger.record import CallState

    from headway.deployment.connection import connect
    from headway.operations.calls import CallsWanted, list_calls

    if state is not None and state not in tuple(CallState):
        raise typer.BadParameter(f"{state} is none of {', '.join(CallState)}", param_hint="--state")
    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    wanted = CallsWanted(vendor, CallState(state) if state else None, older_than, newer_than, limit or None)
    found = list_calls(connection, wanted, time.time())
    if as_json:
        typer.echo(json.dumps([call.as_json() for call in found], indent=2))
        return
    count = 0
    for count, call in enumerate(found, start=1):  # noqa: B007 - how many there were
        say(_line(call))
    say(so_many(count, limit) if count else "No call.", err=bool(count))


@app.command()
def show(
    *,
    identity: Identity,
    workflow: Workflow = "call_vendor",
    vendor: OfVendor = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Show what the ledger has of a call, and of its job; never its task token.

    For example:

        headway calls show 4bf92f3577b34da6a3ce929d0e0e4736

        headway calls show prompts.jsonl:7 --json
    """
    from headway.deployment.connection import connect

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    found = _found(connection, identity, workflow, vendor)
    if as_json:
        typer.echo(json.dumps([call.as_json() for call in found], indent=2))
        return
    for call in found:
        said = call.as_json()
        for name, value in {**said.pop("record"), **said, "job": said["job"].get("answer", "")}.items():
            is_time = name.endswith("_epoch_ms") and value is not None
            say(f"{name}: {moment(value / 1_000) + ' UTC' if is_time else cut(str(value), 400)}")


@app.command()
def trace(
    *,
    identity: Identity,
    workflow: Workflow = "call_vendor",
    vendor: OfVendor = None,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Tell one call's life, hop by hop, each with its time (UTC).

    From its executions, the ledger and the functions' logs, which stay for a
    month. What could not be read is named below. A vendor that quotes our
    `traceparent` quotes the call ID.

    Exit codes: 0 all could be read, 1 there are gaps.

    For example:

        headway calls trace 4bf92f3577b34da6a3ce929d0e0e4736

        headway calls trace prompts.jsonl:7

        headway calls trace hw-5f0c6d7e8a9b0c1d2e3f4a5b-1 --json
    """
    from headway.deployment.connection import connect
    from headway.operations.call_traces import trace as operation

    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    traces = [operation(connection, call) for call in _found(connection, identity, workflow, vendor)]
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in traces], indent=2))
    else:
        for one in traces:
            _tell(one)
    raise typer.Exit(1 if any(one.gaps for one in traces) else 0)


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

        headway calls orphans --json
    """
    from dataclasses import asdict

    from headway.deployment.connection import connect
    from headway.operations.orphans import orphans as orphans_of

    found = orphans_of(connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage), vendor)
    if as_json:
        typer.echo(json.dumps([asdict(orphan) for orphan in found], indent=2))
        return
    for one in found:
        say(f"{moment(one.answered_epoch_ms / 1_000)}  {one.vendor}  {one.status}  {one.job_id}")
    if not found:
        say("No answer is without a call.")


def _found(connection: "Connection", identity: str, workflow: str, vendor: str | None) -> "list[KnownCall]":
    from headway.operations.calls import find_calls
    from headway.run.line_lookup import execution_of_line, line_of

    if (line := line_of(identity)) is not None:
        identity = execution_of_line(connection, line, workflow, vendor)
        vendor = None
    return find_calls(connection, identity, vendor)


def _line(call: "KnownCall") -> str:
    since = "" if call.since_epoch_ms is None else moment(call.since_epoch_ms / 1_000)
    told = ": ".join(str(call.record[name]) for name in ("error", "cause") if name in call.record)
    job = call.record.get("job_id", "")
    return f"{since}  {call.vendor}  {call.state or call.record.get('state')}  {call.call_id}  {job}  {cut(told, 100)}"


def _tell(trace: "CallTrace") -> None:
    from rich.table import Table
    from rich.text import Text

    call = trace.call
    say(f"call {call.call_id or '(not in the ledger yet)'} of {call.vendor or 'a vendor that is not known yet'}")
    say(f"execution {call.execution}")
    if trace.traceparent:
        say(f"traceparent {trace.traceparent}")
    table = Table("time (UTC)", "after", "hop", "more", "from")
    begin_ms = trace.hops[0].at_epoch_ms if trace.hops else 0
    for hop in trace.hops:
        after = f"{(hop.at_epoch_ms - begin_ms) / 1_000:,.3f} s"
        table.add_row(moment(hop.at_epoch_ms / 1_000), after, Text(hop.hop), Text(cut(hop.told, 200)), hop.source)
    console().print(table)
    say(f"Now: {trace.standing}.")
    for gap in trace.gaps:
        say(f"not read: {gap}", err=True)

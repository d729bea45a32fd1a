"""The `tune` command: an operator's change of a lane's pace, while it runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.agreement import agree
from headway.commands.options import AsJson, Profile, Region, Stage, StateDir, Target, Yes
from headway.deployment.target_name import TargetName
from headway.errors import UsageProblem
from headway.operations.strategy import Strategy
from headway.terminal import console, say, spinning

if TYPE_CHECKING:
    from headway.deployment.connection import Connection
    from headway.operations.tuning_change import TuningChange
    from headway.operations.tunings import TuningDeployment

NOT_COMPLETE = 1
"""Exit code where a deployment did not end well."""
HISTORY_COUNT = 10


def tune(
    *,
    vendor: Annotated[str, typer.Argument(help="A vendor of the stage.")],
    rate: Annotated[
        float | None, typer.Option(help="Submits per second of the whole lane.", show_default=False)
    ] = None,
    delay_ms: Annotated[
        int | None, typer.Option(help="Least pause of a dispatcher, with plain pacing.", show_default=False)
    ] = None,
    headroom_ms: Annotated[
        str | None, typer.Option(help="auto, or milliseconds between slot and door.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A whole tuning, JSON or YAML, for the one in force.", show_default=False),
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="Over minutes and watched, or at once.")] = Strategy.GRADUAL,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Back to the tuning before; stops one under way.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="Show the last deployments; change nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the deployment to its end.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Change the pace of a vendor's lane while it runs, or show it.

    Shows what changes, refuses what the contract or the lane's numbers have no
    room for, says how long what waits will take, and deploys by AppConfig.
    Without a field it shows what is in force, and changes nothing. It asks only
    where calls that wait would reach their deadline.

    Exit codes: 0 done, 1 the deployment was rolled back, 2 refused.

    For example:

        headway tune replicate --rate 5 --strategy now --wait

        headway tune replicate --headroom-ms auto

        headway tune replicate --file tuning.json --target aws --yes --json

        headway tune replicate --history

        headway tune replicate --rollback --strategy now
    """
    from dataclasses import asdict

    from headway.deployment.connection import connect
    from headway.operations import tunings
    from headway.operations.tuning_change import change_of

    given = _given(rate, delay_ms, headroom_ms)
    if sum((bool(given), file is not None, rollback, history)) > 1:
        raise UsageProblem("give fields, or one of --file, --rollback and --history")
    whole = None if file is None else _read(file)
    connection = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
    tunings.lane_known(connection, vendor)
    if history:
        _show_history(tunings.history(connection, vendor, HISTORY_COUNT), as_json=as_json)
        return
    way = tunings.way_back(connection, vendor) if rollback else None
    after = way.document if way else given if whole is None else whole
    change = change_of(connection, vendor, after, whole=way is not None or whole is not None)
    if not as_json:
        _show(change)
    changes = [one for one in change.fields if one.before != one.after]
    if way is None and not changes:
        if as_json:
            typer.echo(json.dumps({**_as_json(change), "deployment": None}, indent=2))
        elif given or whole is not None:
            say("Nothing would change.")
        return
    if change.loses:
        agree(f"{change.backlog}. Deploy it all the same?", yes=yes, can_ask=not as_json)
    if way:
        number = tunings.go_back(connection, vendor, way, strategy)
    else:
        number = tunings.deploy(connection, vendor, change.document, strategy)
    ended = _followed(connection, vendor, number) if wait else tunings.state_of(connection, vendor, number)
    if as_json:
        typer.echo(json.dumps({**_as_json(change), "deployment": asdict(ended)}, indent=2))
    else:
        say(f"Deployment {number} is {ended.state}. The file in config/appconfig/tuning/ does not know of it.")
    stopped = way is not None and way.stops is not None
    if wait and ended.state != tunings.COMPLETE and not stopped:
        raise typer.Exit(NOT_COMPLETE)


def _given(rate: float | None, delay_ms: int | None, headroom_ms: str | None) -> dict[str, Any]:
    """Return the fields that were given, by their names in a tuning."""
    headroom: Any = int(headroom_ms) if headroom_ms and headroom_ms.lstrip("-").isdecimal() else headroom_ms
    fields = {"rate_per_s": rate, "delay_ms": delay_ms, "headroom_ms": headroom}
    return {name: value for name, value in fields.items() if value is not None}


def _read(path: Path) -> Any:
    """Return the document of a file; YAML takes JSON, too."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeError) as error:
        raise UsageProblem(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageProblem(f"{path}: neither JSON nor YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise UsageProblem(f'{path}: not an object; write fields, such as {{"delay_ms": 0, "rate_per_s": 5}}')
    return document


def _followed(connection: "Connection", vendor: str, number: int) -> "TuningDeployment":
    """Wait until a deployment has ended, and show how far it is."""
    from headway.operations.following import followed

    with spinning(console(stderr=True), f"deployment {number}") as phrase:
        return followed(
            connection, vendor, number, lambda one: phrase(f"deployment {number}: {one.state} {one.percent:g} %")
        )


def _show(change: "TuningChange") -> None:
    """Print the fields, what changes first to the eye, and the forecast."""
    from rich.table import Table

    table = Table("field", "before", "after")
    for one in change.fields:
        changed = one.before != one.after
        table.add_row(
            one.field, _text(one.before), _text(one.after) if changed else "", style="bold" if changed else ""
        )
    out = console()
    out.print(table)
    out.print(f"Contract: {change.contract_per_s:g}/s. Now {change.backlog_before}.", soft_wrap=True)
    if change.backlog != change.backlog_before:
        out.print(f"Then {change.backlog}.", soft_wrap=True)


def _show_history(found: "list[TuningDeployment]", *, as_json: bool) -> None:
    from dataclasses import asdict

    from rich.table import Table

    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    table = Table("deployment", "started", "ended", "state", "tuning")
    for one in found:
        table.add_row(str(one.number), one.started or "", one.ended or "", one.state, json.dumps(one.document))
    console().print(table)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _as_json(change: "TuningChange") -> dict[str, Any]:
    return {
        "vendor": change.vendor,
        "before": {one.field: one.before for one in change.fields if one.before is not None},
        "after": dict(change.document),
        "contract_per_s": change.contract_per_s,
        "waiting_count": change.backlog.waiting_count,
        "takes_s": change.backlog.takes_s,
        "expiring_count": change.backlog.expiring_count,
    }

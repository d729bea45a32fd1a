"""The `plan` command: the numbers of a vendor's lane, each with its formula, before anything is deployed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from headway.commands.options import AsJson, ConfigDir, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.errors import NotDeployed, UsageProblem
from headway.terminal import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway_lane.contract.tuning import Tuning
    from headway_lane.contract.vendor import Vendor

    from headway.deployment.connection import Connection
    from headway.planning.measurement import Measurement

LATENCY_MS = 250
"""How long a vendor is taken to answer a submit where nobody says and nothing was measured."""


def plan(
    *,
    vendor: Annotated[str, typer.Argument(help="A vendor with a contract file, such as replicate.")],
    latency_ms: Annotated[
        int | None,
        typer.Option(
            help=f"How long the vendor takes to answer a submit. Unless given or measured, {LATENCY_MS}.",
            min=0,
            show_default=False,
        ),
    ] = None,
    backlog: Annotated[
        int | None, typer.Option(help="Calls that wait; the soft limit unless given.", min=1, show_default=False)
    ] = None,
    job_time: Annotated[
        float | None,
        typer.Option(
            help="Seconds from a job's acceptance to the vendor's last word. Unless given, where jobs in flight are"
            " limited `answer_s` of the contract, for `map_concurrency` 0.",
            min=0,
            show_default=False,
        ),
    ] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="Say what the deployed lane has measured, and plan with that.")
    ] = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Show what a contract implies: parameters, timeouts, utilisation.

    The five parameters come recommended and as configured; the other values
    are those that the stack takes from the contract file as it is. Warnings
    say what contradicts what. Nothing is deployed or changed.

    With `--measured` the deployed lane is asked how long its calls took from
    slot to socket and to the answer, and the plan is that of the headroom and
    the latency which follow.

    Exit codes: 0 the plan is shown, 2 vendor or files are wrong.

    For example:

        headway plan replicate --latency-ms 400

        headway plan replicate --backlog 10000 --json | jq .warnings

        headway plan replicate --measured
    """
    from headway_lane.contract.tuning import Tuning
    from rich.text import Text

    from headway.deployment.connection import connect
    from headway.deployment.contracts import vendor_files
    from headway.deployment.projects import project_here
    from headway.planning.plan import plan as draw
    from headway.planning.situation import Situation
    from headway.planning.table import table

    project = project_here(config_dir, stage)
    files = vendor_files(project.configuration, project.stage)
    if vendor not in files:
        raise UsageProblem(f"no vendor is called {vendor}; {project.configuration} has {', '.join(files)}")
    chosen = files[vendor]
    tuning, found, notes = Tuning.from_document(chosen.tuning), None, list[str]()
    if measured:

        def connected() -> "Connection":
            return connect(target, profile=profile, region=region, state_dir=state_dir, stage=project.stage)

        found, note = measurement(connected, chosen.vendor, tuning)
        notes = [note] if note else []
    if latency_ms is None:
        latency_ms = LATENCY_MS if found is None or found.latency_ms is None else found.latency_ms
    learned_ms = found.headroom_ms if found else None
    situation = Situation.of(chosen.vendor, tuning, latency_ms, backlog, job_time, learned_headroom_ms=learned_ms)
    drawn = draw(situation, found, notes)
    if as_json:
        typer.echo(json.dumps(drawn.as_json(), indent=2))
        return
    out = console()
    out.print(table(drawn))
    for line in [*(found.lines() if found else ()), *drawn.notes]:
        out.print(Text(line), soft_wrap=True)
    for warning in drawn.warnings:
        said = Text.assemble(("warning", "yellow"), f" {warning.text} ", (f"({warning.code})", "dim"))
        out.print(said, soft_wrap=True)
    if not drawn.warnings:
        out.print("No warnings.")


def measurement(
    connected: "Callable[[], Connection]", vendor: "Vendor", tuning: "Tuning"
) -> "tuple[Measurement | None, str]":
    """Ask the deployed lane what it has measured; None, and why, where there is nothing."""
    from headway.operations.budgets import measured_of
    from headway.planning.measurement import measurement_of

    try:
        measured = measured_of(connected(), vendor)
    except NotDeployed as nothing:
        return None, f"Nothing is measured: {nothing}."
    if measured is None:
        return None, f"Nothing is measured: {vendor.name} is not deployed."
    found = measurement_of(measured, vendor, tuning)
    if found is None and not vendor.dispatch.by_permits:
        return None, f"Nothing is measured: {vendor.name} is not paced by permits."
    return found, "" if found else f"Nothing was measured of {vendor.name} yet."

"""The `plan` command: the numbers of a vendor's lane, each with its formula, before anything is deployed."""

import json
from typing import Annotated

import typer

from headway.commands.options import AsJson, ConfigDir, Stage
from headway.errors import UsageProblem
from headway.terminal import console


def plan(
    *,
    vendor: Annotated[str, typer.Argument(help="A vendor with a contract file, such as replicate.")],
    latency_ms: Annotated[int, typer.Option(help="How long the vendor takes to answer a submit.", min=0)] = 250,
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
    as_json: AsJson = False,
    config_dir: ConfigDir = None,
    stage: Stage = None,
) -> None:
    """Show what a contract implies: parameters, timeouts, utilisation.

    The five parameters come recommended and as configured; the other values
    are those that the stack takes from the contract file as it is. Warnings
    say what contradicts what. Nothing is deployed or changed.

    Exit codes: 0 the plan is shown, 2 vendor or files are wrong.

    For example:

        headway plan replicate --latency-ms 400

        headway plan replicate --backlog 10000 --json | jq .warnings
    """
    from headway_lane.contract.tuning import Tuning
    from rich.text import Text

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
    drawn = draw(Situation.of(chosen.vendor, Tuning.from_document(chosen.tuning), latency_ms, backlog, job_time))
    if as_json:
        typer.echo(json.dumps(drawn.as_json(), indent=2))
        return
    out = console()
    out.print(table(drawn))
    for warning in drawn.warnings:
        said = Text.assemble(("warning", "yellow"), f" {warning.text} ", (f"({warning.code})", "dim"))
        out.print(said, soft_wrap=True)
    if not drawn.warnings:
        out.print("No warnings.")

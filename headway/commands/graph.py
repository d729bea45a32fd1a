"""The `graph` command: a state machine as a picture, and the way that an execution took through it."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.commands.options import ConfigDir, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.errors import UsageProblem
from headway.terminal import say

if TYPE_CHECKING:
    from headway.graph.course import RunCourse
    from headway.graph.machine import MachineGraph


class GraphFormat(StrEnum):
    """What a graph is written in."""

    SVG = "svg"
    MERMAID = "mermaid"


def graph(
    *,
    workflow: Annotated[str, typer.Argument(help="A workflow of the project, one of Headway's own, or an ASL file.")],
    form: Annotated[
        GraphFormat, typer.Option("--format", help="A picture, or text that GitHub draws.")
    ] = GraphFormat.SVG,
    output: Annotated[
        Path | None, typer.Option(help="Where to write it; standard output unless given.", show_default=False)
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Show what this execution did: its name or its ARN.", metavar="ID", show_default=False),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="The same from a file of `get-execution-history` of the AWS CLI.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print states and edges as JSON, and draw nothing.")] = False,
    target: Target = TargetName.LOCAL,
    profile: Profile = None,
    region: Region = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Draw a state machine: its states, its conditions, and dashed what a Catch catches.

    With --run the picture is of the definition that the execution ran by, and
    shows the way that it took, with times, retries and errors. The SVG is one
    file without scripts; what is cut in it stands whole in its tooltips.

    Exit codes: 0 it is drawn, 2 it cannot be.

    For example:

        headway graph call_vendor --output call_vendor.svg

        headway graph workflows/order.asl.json --format mermaid

        headway graph order --run order-17 --output order-17.svg

        headway graph order --history history.json --json
    """
    from headway.deployment.connection import connect
    from headway.deployment.projects import project_here, workflows_here
    from headway.deployment.workflow_files import read_workflow, workflow_file
    from headway.graph.course import course
    from headway.graph.machine import read
    from headway.operations import histories

    if run and history:
        raise typer.BadParameter("it contradicts --run; give one of the two", param_hint="--history")
    found = histories.saved_history(history) if history else None
    if run:
        stage = project_here(config_dir, stage).stage if config_dir or stage else None
        cloud = connect(target, profile=profile, region=region, state_dir=state_dir, stage=stage)
        found = histories.history(cloud, workflow, run)
    if found and found.definition:
        name, document = f"the definition of {found.run}", found.definition
    else:
        path = workflow_file(workflow, workflows_here())
        name, document = str(path), read_workflow(path)
    machine = read(document, name)
    taken = course(found.events, machine) if found else None
    if taken and (strange := sorted(set(taken.visits) - machine.all_states.keys())):
        raise UsageProblem(f"{name}: has no state {strange[0]!r}, which the history has; name the file that it ran by")
    title = Path(workflow).name.partition(".")[0]
    drawn = _json(title, machine, taken) if as_json else _drawn(form, machine, title, taken, found.run if found else "")
    write(drawn, output)


def write(text: str, output: Path | None) -> None:
    """Write a text to a file, or to standard output. UsageProblem where it cannot be written."""
    if output is None:
        for line in text.removesuffix("\n").split("\n"):
            say(line)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise UsageProblem(f"--output {output}: cannot be written: {error.strerror}") from error
    say(f"{output}: written", err=True)


def _drawn(form: GraphFormat, machine: "MachineGraph", title: str, taken: "RunCourse | None", run: str) -> str:
    from headway.graph.mermaid import mermaid
    from headway.graph.svg import svg

    return (svg if form is GraphFormat.SVG else mermaid)(machine, title, taken, run)


def _json(title: str, machine: "MachineGraph", taken: "RunCourse | None") -> str:
    document: dict[str, Any] = {
        "workflow": title,
        "start": machine.start,
        "states": [
            {"name": state.name, "type": state.type, "call": state.call, "waits_for_callback": state.waits_for_callback}
            for state in machine.all_states.values()
        ],
        "edges": [asdict(edge) for edge in machine.all_edges],
    }
    if taken:
        document["run"] = {
            "status": taken.status,
            "failure": asdict(taken.failure) if taken.failure else None,
            "visits": [
                {
                    "state": visit.state,
                    "end": visit.end,
                    "entered_epoch_s": visit.entered_s,
                    "left_epoch_s": visit.left_s,
                    "attempt_count": visit.attempt_count,
                    "failures": [asdict(failure) for failure in visit.failures],
                }
                for visits in taken.visits.values()
                for visit in visits
            ],
            "taken": [{"source": edge.source, "target": edge.target, "count": n} for edge, n in taken.taken.items()],
        }
    return json.dumps(document, indent=2) + "\n"

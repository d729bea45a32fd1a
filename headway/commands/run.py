"""The `run` command: one execution per line of a file, watched to its end."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import ConfigDir, Profile, Region, Stage, StateDir, Target
from headway.deployment.target_name import TargetName
from headway.errors import Problem
from headway.terminal import console


def run(
    *,
    workflow: Annotated[str, typer.Argument(help="A deployed workflow, such as call_vendor.")],
    source: Annotated[
        Path, typer.Option("--input", help='JSON lines: {"payload": {...}, "vendor": "..."}; - is standard input.')
    ],
    target: Target = TargetName.LOCAL,
    vendor: Annotated[str | None, typer.Option(help="For lines that name no vendor.")] = None,
    urgent: Annotated[bool, typer.Option("--urgent", help="For lines that do not say `urgent`.")] = False,
    tenant: Annotated[str | None, typer.Option(help="For lines that name no `tenant`.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Repeat also what has succeeded.")] = False,
    limit: Annotated[int | None, typer.Option(help="Take the first so many lines only.", min=1)] = None,
    starts_per_s: Annotated[
        float | None,
        typer.Option(
            help="The account's quota of StartExecution, refill per second; AWS's default in the region unless given.",
            min=0.1,
            show_default=False,
        ),
    ] = None,
    describes_per_s: Annotated[
        float | None, typer.Option(help="The same of DescribeExecution.", min=0.1, show_default=False)
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where to write the HTML report.", show_default=False)] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no table; errors only.")] = False,
    profile: Profile = None,
    region: Region = None,
    config_dir: ConfigDir = None,
    stage: Stage = None,
    state_dir: StateDir,
) -> None:
    """Call a workflow once per line of a file and wait for the results.

    Lines are started as the vendor takes them: no more wait than its contract
    serves within `tolerated_s`. Of both quotas four fifths are used. Results
    go to FILE.results.jsonl as lines end, a report to FILE.report.html. Run it
    again to go on after Ctrl-C, to repeat what failed, or to call lines that
    were added: what has succeeded is skipped.

    For example:

        headway run call_vendor --input prompts.jsonl

        headway run call_vendor --input prompts.jsonl --limit 5 --no-report

        headway run call_vendor --input prompts.jsonl --target aws --json

        headway run call_vendor --input backlog.jsonl --tenant archive

        jq -c '{payload: .}' all.json | headway run call_vendor --input -

    Exit codes: 0 every line has succeeded, 1 some have not, 2 nothing could
    be run or the cloud was lost, 130 after Ctrl-C.
    """
    # Here and not above: the other commands need not wait for boto3.
    from headway.deployment import connection
    from headway.deployment.projects import project_here
    from headway.run import batch, closing
    from headway.run.preparation import Choices
    from headway.run.progress import showing

    status = console(stderr=True)
    if no_report and report is not None:
        raise typer.BadParameter("it contradicts --no-report; give one of the two", param_hint="--report")
    choices = Choices(
        vendor=vendor,
        urgent=urgent,
        tenant=tenant,
        again=again,
        limit=limit,
        starts_per_s=starts_per_s,
        describes_per_s=describes_per_s,
        write_report=not no_report,
        report=report,
    )
    try:
        project = project_here(config_dir, stage)
        cloud = connection.connect(target, profile=profile, region=region, state_dir=state_dir, stage=project.stage)
        with nullcontext(lambda _: None) if quiet else showing(status) as show:
            result = batch.run_file(
                workflow, source, cloud, choices, progress=show, configuration=project.configuration
            )
    except Problem as problem:  # said here, and not by `main`: in red, beside what else a run says
        status.print(str(problem), style="red", soft_wrap=True)
        raise typer.Exit(problem.exit_code) from None
    closing.say_reasons(result, status)
    if as_json:
        typer.echo(json.dumps(result.as_json(), indent=2))
    elif not quiet:
        out = console()
        out.print(closing.table(result))
        closing.say_files(result, out)
    if result.interrupted:
        status.print(closing.interruption(result, again=again), soft_wrap=True)
    raise typer.Exit(result.exit_code)

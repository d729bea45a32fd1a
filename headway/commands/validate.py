"""The `validate` command: whether machines, contract files and configuration can be used, before they are deployed."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import AsJson, ConfigDir
from headway.terminal import say


class OutputFormat(StrEnum):
    """How findings are written; each is a module of `validation.formats`."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders with them; all of the project unless given.", show_default=False),
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How findings are written.")
    ] = OutputFormat.TEXT,
    strict: Annotated[bool, typer.Option(help="Exit with 1 for warnings, too.")] = False,
    explain: Annotated[
        str | None, typer.Option(help="Tell what a rule is about, with examples.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    config_dir: ConfigDir = None,
) -> None:
    """Check machines, contract files and configuration, as synth and AWS would and further.

    Machines are files with `StartAt` and `States` in JSON or YAML, and those in
    templates of SAM and CloudFormation. What is found has its file, line and
    column, its rule, why it is wrong and what to write. A state's Comment rules
    a rule out: `headway: ignore RULE: reason`. All rules: docs/rules.md.

    Exit codes: 0 no errors, 1 errors, 2 a file that cannot be used at all.

    For example:

        headway validate

        headway validate workflows/order.asl.json --format sarif

        headway validate --explain token-missing
    """
    if explain:
        _explain(explain)
        return
    from headway.deployment.projects import project_here, refusing
    from headway.validation.files import check_paths, check_project
    from headway.validation.finding import Severity
    from headway.validation.formats import github, json, sarif, text

    with refusing():
        outcome = check_paths(paths) if paths else check_project(project_here(config_dir))
    if as_json:
        output_format = OutputFormat.JSON
    if output_format is OutputFormat.TEXT:
        for one in outcome.findings:
            say(text.line_of(one), err=True)
        broken = {one.file for one in outcome.findings if one.severity is Severity.ERROR}
        for file in outcome.files:
            if file not in broken:
                say(f"{file}: can be used")
    else:
        formats = {OutputFormat.JSON: json, OutputFormat.SARIF: sarif, OutputFormat.GITHUB: github}
        if written := formats[output_format].render(outcome.findings):
            say(written)
    warned = any(one.severity is Severity.WARNING for one in outcome.findings)
    if code := outcome.exit_code or int(strict and warned):
        raise typer.Exit(code)


def _explain(rule: str) -> None:
    from difflib import get_close_matches

    from headway.errors import UsageProblem
    from headway.validation.catalogue import catalogue
    from headway.validation.explaining import explained

    known = catalogue()
    if rule not in known:
        near = get_close_matches(rule, known, n=1, cutoff=0)
        raise UsageProblem(f"--explain: there is no rule {rule!r}; did you mean {near[0]!r}?")
    say(explained(known[rule]).rstrip())

"""The `synth` command: the templates for AWS, checked by cdk-nag (in the app) and by cfn-lint."""

from pathlib import Path
from typing import Annotated

import typer

from headway.commands.options import ConfigDir, Stage
from headway.terminal import console, say, spinning


def synth(
    output: Annotated[Path, typer.Option(help="Where the cloud assembly goes.")] = Path("cdk.out"),
    config_dir: ConfigDir = None,
    stage: Stage = None,
) -> None:
    """Synthesize the templates for AWS and check them with cdk-nag and cfn-lint.

    The same templates go to the embedded cloud. Deploy them with
    `cdk deploy --all`; `--app cdk.out` takes the assembly as it is.

    Exit codes: 0 no findings, 1 cfn-lint has some, 2 the app was refused.
    """
    from headway.deployment import synthesis
    from headway.deployment.projects import project_here

    status = console(stderr=True)
    with spinning(status, "synthesizing"):
        assembly = synthesis.synthesize(output, project_here(config_dir, stage))
    with spinning(status, "cfn-lint"):
        found = synthesis.lint(assembly)
    for template in found.templates:
        say(f"{template.name}: {template.stat().st_size} bytes")
    say(f"cdk-nag: 0 errors; cfn-lint: {len(found.errors)} errors")
    if found.refuses:
        say("\n\n".join(found.errors) or found.complaint, err=True)
        raise typer.Exit(1)

"""The `synth` command: the templates for AWS, checked by cdk-nag (in the app) and by cfn-lint."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def synth(
    output: Annotated[Path, typer.Option(help="Where the cloud assembly goes.")] = Path("cdk.out"),
) -> None:
    """Synthesize the templates for AWS and check them with cdk-nag and cfn-lint.

    The same templates go to the embedded cloud. Deploy them with
    `cdk deploy --all`; `--app cdk.out` takes the assembly as it is.

    Exit codes: 0 no findings, 1 cfn-lint has some, 2 the app was refused.
    """
    from rich.console import Console

    from headway.deployment.synthesis import synthesize
    from headway.errors import mendable

    console = Console(stderr=True)
    with mendable(), console.status("synthesizing"):
        assembly = synthesize(output.resolve())
    templates = sorted(assembly.glob("*.template.json"))
    with console.status("cfn-lint"):
        command = [str(Path(sys.executable).parent / "cfn-lint"), "--non-zero-exit-code", "error", *map(str, templates)]
        lint = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    errors = [block for block in lint.stdout.split("\n\n") if block.startswith("E")]
    for template in templates:
        typer.echo(f"{template.name}: {template.stat().st_size} bytes")
    typer.echo(f"cdk-nag: 0 errors; cfn-lint: {len(errors)} errors")
    if lint.returncode:
        typer.echo("\n\n".join(errors) or lint.stderr, err=True)
        raise typer.Exit(1)

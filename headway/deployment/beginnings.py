"""New files of a project, which work at once: a vendor's contract or a workflow, with its test and its example input.

Nothing is written over, and what cannot be used is not left: all files of a beginning are written, or none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from headway_cdk.configuration import ConfigurationError, load_contract
from headway_cdk.names import pascal
from headway_cdk.project import NAME, PART, WORKFLOW_ENDING, Project
from headway_cdk.resources import WORKFLOWS
from headway_cdk.workflow_sketch import placeholders_of, sketch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from headway.deployment import presets
from headway.deployment.contracts import vendor_files
from headway.errors import UsageProblem

TEMPLATES: Final = Path(__file__).with_name("templates")
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_.-]+")
"""Where a name's words part."""


def begin_vendor(project: Project, name: str, preset: str, *, contract_only: bool = False) -> Sequence[Path]:
    """Write a vendor's contract from a preset, examples of what it says, their test, and lines to run; returns the
    files. UsageProblem where the name is none, is taken, or would be mistaken for another.
    """
    vendor = normalised(name, "-", NAME)
    files = {project.configuration / "vendors" / f"{vendor}.yaml": presets.contract(vendor, preset)}
    if not contract_only:
        tests = project.root / "tests"
        files |= {
            tests / "examples" / f"{vendor}.yaml": presets.examples(preset),
            tests / f"test_{_module(vendor)}_vendor.py": _filled("vendor_test.py", vendor=vendor),
            project.workflows / "samples" / f"{vendor}.jsonl": _filled("sample.jsonl", name=vendor),
        }

    def check() -> None:
        load_contract(next(iter(files)), project.stage)
        if not contract_only:
            placeholders_of(project)

    return _write(files, check)


def begin_workflow(project: Project, name: str, vendor: str | None) -> Sequence[Path]:
    """Write a machine that asks a vendor, its test, and lines to run; returns the files. Without a vendor it is the
    project's only one, or the one that the name begins with. UsageProblem where it cannot be.
    """
    workflow = normalised(name, "_", PART)
    if (WORKFLOWS / f"{workflow}{WORKFLOW_ENDING}").exists():
        raise UsageProblem(f"{workflow}: Headway's own machine of every vendor is called so; take another name")
    vendor = vendor_of(workflow, vendor, sorted(vendor_files(project.configuration, project.stage)))
    words = {"name": workflow, "vendor": vendor, "pascal_vendor": pascal(vendor)}
    files = {
        project.workflows / f"{workflow}{WORKFLOW_ENDING}": _filled("workflow.asl.json", **words),
        project.root / "tests" / f"test_{_module(workflow)}.py": _filled("workflow_test.py", **words),
        project.workflows / "samples" / f"{workflow}.jsonl": _filled("sample.jsonl", **words),
    }
    return _write(files, lambda: sketch(project, workflow))


def normalised(name: str, between: str, pattern: str) -> str:
    """Return a name in lower case, with `between` where its words part: `Acme Order` is `acme_order`. Between words
    that it has itself, a hyphen or underscore that the pattern allows stays. UsageProblem for one that is none.
    """
    found = name if re.match(pattern, name) else between.join(filter(None, _WORDS.split(name.strip()))).lower()
    if not re.match(pattern, found):
        example = between.join(("acme", "order"))
        raise UsageProblem(f"{name!r} is no name; it has to match {pattern}, such as `{example}`")
    return found


def vendor_of(workflow: str, given: str | None, vendors: Sequence[str]) -> str:
    """Return the vendor that a workflow is for. UsageProblem where that cannot be known."""
    known = ", ".join(vendors)
    if given is not None:
        vendor = normalised(given, "-", NAME)
        if vendor not in vendors:
            raise UsageProblem(f"--vendor {given}: there is {known}; `headway new vendor {vendor}` begins another")
        return vendor
    if len(vendors) == 1:
        return vendors[0]
    begins = [vendor for vendor in vendors if f"{_module(workflow)}_".startswith(f"{_module(vendor)}_")]
    if not begins:
        raise UsageProblem(f"{workflow}: name the vendor that it calls: --vendor with one of {known}")
    return max(begins, key=len)


def _module(name: str) -> str:
    return name.replace("-", "_")


def _filled(template: str, **words: str) -> str:
    """Fill a template. Its marks are no braces: those are JSONata's and JSON's."""
    environment = Environment(
        autoescape=False,  # noqa: S701 - code and JSON, of names that match a pattern
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
        loader=FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(f"{template}.jinja").render(words)


def _write(files: Mapping[Path, str], check: Callable[[], object]) -> Sequence[Path]:
    """Write all files where none is yet, and take them away again if they cannot be used."""
    for path in files:
        if path.exists():
            raise UsageProblem(f"{path}: is there already; take another name, or change it by hand")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            path.write_text(text)
        check()
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, ConfigurationError):
            raise UsageProblem(f"nothing is written: {error}") from error
        raise
    return written

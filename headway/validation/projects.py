"""A project as a whole: what its machines can name, its tunings, and what it has for machines that none uses."""

from collections.abc import Callable, Iterator
from pathlib import Path as File

from headway_cdk.configuration import load_vendors
from headway_cdk.placeholders import PLACEHOLDER
from headway_cdk.project import FILE, Project
from headway_cdk.workflow_sketch import placeholders_of

from headway.validation.contracts import configuration_findings
from headway.validation.finding import Finding
from headway.validation.rules import unused_placeholder
from headway.validation.subject import Deployed


def deployed_of(project: Project) -> Callable[[File], Deployed]:
    """Return what says of a machine's file what is known of its deployment. Raises ConfigurationError."""
    bound = placeholders_of(project).bound
    vendors = {files.vendor.name: files.vendor for files in load_vendors(project.configuration, project.stage)}
    return lambda path: Deployed(bound, vendors, project.machine_name(path))


def project_findings(project: Project) -> Iterator[Finding]:
    """Yield what is wrong with a project beside its contracts and machines. Raises ConfigurationError."""
    yield from configuration_findings(project.configuration)
    yield from _unused_settings(project)


def _unused_settings(project: Project) -> Iterator[Finding]:
    """Yield the settings that no machine uses: nothing else reads them."""
    used = {name for path in project.workflow_files for name in PLACEHOLDER.findall(path.read_text(errors="replace"))}
    lines = (project.root / FILE).read_text().splitlines() if project.settings else []
    rule = unused_placeholder.RULE
    for name in project.settings:
        if name not in used:
            line = next((index for index, text in enumerate(lines, 1) if text.strip().startswith(name)), 1)
            why = f"the setting `{name}` is used by no machine"
            yield Finding(str(project.root / FILE), line, 1, rule.id, rule.severity, why, rule.fix)

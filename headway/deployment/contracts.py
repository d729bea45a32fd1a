"""The configuration as commands read it: what is wrong with it is a problem of the person at the terminal."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headway_cdk.configuration import VendorFiles, check_vendors, load_vendors, whole_contract
from headway_cdk.project import Project, workflow_of
from headway_cdk.stages import DEFAULT_STAGE
from headway_cdk.workflow_sketch import sketch

from headway.deployment.projects import refusing
from headway.errors import ConfigurationRefused


def vendor_files(configuration: Path, stage: str = DEFAULT_STAGE) -> dict[str, VendorFiles]:
    """Return contract and tuning of every vendor as a stage has them, by name. Raises ConfigurationRefused."""
    with refusing():
        return {files.vendor.name: files for files in load_vendors(configuration, stage)}


def contract_document(path: Path) -> Mapping[str, Any]:
    """Return the contract document of a file, as the vendor sells it to all stages. Raises ConfigurationRefused."""
    with refusing():
        return whole_contract(path)


def files_problems(paths: Sequence[Path]) -> dict[str, str | None]:
    """Check contract files one by one: path -> what is wrong, None where nothing is."""
    return {str(path): _problem(partial(contract_document, path)) for path in paths}


def project_problems(project: Project) -> dict[str, str | None]:
    """Check all files of a project: contracts, and where they are right, tunings, under the configuration's own path,
    and machines.
    """
    configuration = project.configuration
    contracts = sorted((configuration / "vendors").glob("*.yaml"))
    found = {str(path): _problem(partial(contract_document, path)) for path in contracts}
    if not any(found.values()) and (problem := _problem(partial(_checked, configuration))):
        found[str(configuration)] = problem
    if not any(found.values()):
        with refusing():
            workflows = project.workflow_files
        for path in workflows:
            found[str(path)] = _problem(partial(_sketched, project, path))
    return found


def _checked(configuration: Path) -> None:
    with refusing():
        check_vendors(configuration)


def _sketched(project: Project, path: Path) -> None:
    with refusing():
        sketch(project, workflow_of(path))


def _problem(check: Callable[[], object]) -> str | None:
    try:
        check()
    except ConfigurationRefused as refusal:
        return str(refusal)
    return None

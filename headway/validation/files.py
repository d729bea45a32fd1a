"""Files to findings: which files there are below what was named, what each is, and what is wrong with it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path as File
from typing import Final

from headway_cdk.configuration import ConfigurationError
from headway_cdk.project import Project, find
from headway_cdk.resources import CONFIGURATION_FOLDER

from headway.asl.places import TextPlace
from headway.asl.reading import YAML_ENDINGS, Read, Unreadable, read
from headway.validation.catalogue import catalogue
from headway.validation.contracts import contract_findings
from headway.validation.finding import Finding, Severity
from headway.validation.machines import finding_of, machine_findings
from headway.validation.projects import deployed_of, project_findings
from headway.validation.rule import Hit
from headway.validation.rules import contract_refused, unreadable, unused_placeholder
from headway.validation.subject import Deployed, Subject
from headway.validation.templates import TemplateMachine, files_of, is_template, machines_of

MACHINE_ENDINGS: Final = (".asl.json", ".asl.yaml", ".asl.yml")
_PASSED_OVER: Final = ("node_modules", "cdk.out", "dist", "build", "__pycache__")
_TOP_FIELDS: Final = ("StartAt", "States")
UNUSABLE: Final = (unreadable.RULE.id, contract_refused.RULE.id)
"""Rules by which a file cannot be used at all."""


class FileKind(StrEnum):
    """What a file is."""

    MACHINE = "machine"
    TEMPLATE = "template"
    CONTRACT = "contract"


@dataclass(slots=True)
class Checked:
    """What was looked at, and what was found, in reading order."""

    files: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, file: str, findings: Sequence[Finding]) -> None:
        """Add a file and what is wrong in it; a finding may be in another file."""
        if file not in self.files:
            self.files.append(file)
        self.findings += [one for one in findings if one not in self.findings]

    @property
    def exit_code(self) -> int:
        """0 nothing, 1 errors, 2 a file that cannot be used at all."""
        if any(one.rule in UNUSABLE for one in self.findings):
            return 2
        return int(any(one.severity is Severity.ERROR for one in self.findings))


def check_paths(paths: Sequence[File]) -> Checked:
    """Check files, and folders with all that is in them."""
    outcome = Checked()
    for path in paths:
        for file in _files_of(path):
            _check_file(file, outcome)
    return outcome


def check_project(project: Project) -> Checked:
    """Check all of a project: contracts, and where they are right, tunings and machines with their placeholders."""
    outcome = Checked()
    for path in sorted((project.configuration / "vendors").glob("*.yaml")):
        outcome.add(str(path), list(contract_findings(path)))
    if outcome.findings:
        return outcome
    for finding in project_findings(project):
        outcome.add(finding.file, [finding])
    if outcome.exit_code:
        return outcome
    workflows = project.workflow_files
    deployed = deployed_of(project) if workflows else None
    for path in workflows:
        outcome.add(str(path), _machine_file(path, deployed(path) if deployed else None))
    return outcome


def _files_of(path: File) -> Iterator[File]:
    """Yield the files that are meant by a path: itself, or the machines, contracts and configuration in a folder."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        here = File(folder)
        contracts = here.name == "vendors" and here.parent.as_posix().endswith(CONFIGURATION_FOLDER)
        for name in sorted(names):
            if name.endswith(MACHINE_ENDINGS) or (contracts and name.endswith(YAML_ENDINGS)):
                yield here / name


def _check_file(path: File, outcome: Checked) -> None:
    try:
        found = _read(path)
    except Unreadable as problem:
        outcome.add(str(path), [_unreadable(path, problem)])
        return
    kind = _kind_of(path, found)
    if kind is FileKind.CONTRACT:
        outcome.add(str(path), list(contract_findings(path)))
    elif kind is FileKind.TEMPLATE:
        outcome.add(str(path), _template_findings(path, found))
        for other, machine_kind, names in files_of(found.value, path):
            outcome.add(str(other), _machine_file(other, None, names, machine_kind))
    else:
        outcome.add(str(path), _machine_findings(path, found, _deployed(path)))


def _kind_of(path: File, found: Read) -> FileKind:
    if is_template(found.value):
        return FileKind.TEMPLATE
    is_machine = isinstance(found.value, dict) and any(name in found.value for name in _TOP_FIELDS)
    if is_machine or path.name.endswith(MACHINE_ENDINGS) or not path.name.endswith(YAML_ENDINGS):
        return FileKind.MACHINE
    return FileKind.CONTRACT


def _read(path: File) -> Read:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        reason = "there is no such file" if isinstance(problem, FileNotFoundError) else str(problem.strerror)
        raise Unreadable(reason, TextPlace(1, 1)) from problem
    except UnicodeDecodeError as problem:
        raise Unreadable(f"not UTF-8: {problem.reason} at byte {problem.start}", TextPlace(1, 1)) from problem
    return read(text, yaml=path.name.endswith(YAML_ENDINGS))


def _unreadable(path: File, problem: Unreadable) -> Finding:
    return Finding(
        str(path), *problem.place, unreadable.RULE.id, unreadable.RULE.severity, str(problem), unreadable.RULE.fix
    )


def _deployed(path: File) -> Deployed | None:
    """Return what is known of a machine that is one of a project's own, where its configuration can be used."""
    try:
        project = find(path.parent)
        if path.resolve().parent == project.workflows.resolve():
            return deployed_of(project)(path)
    except ConfigurationError:
        pass  # no project, or one whose own findings come first
    return None


def _machine_file(
    path: File, deployed: Deployed | None, names: frozenset[str] | None = None, kind: str = "STANDARD"
) -> list[Finding]:
    try:
        found = _read(path)
    except Unreadable as problem:
        return [_unreadable(path, problem)]
    return _machine_findings(path, found, deployed, names, kind)


def _machine_findings(
    path: File, found: Read, deployed: Deployed | None, names: frozenset[str] | None = None, kind: str = "STANDARD"
) -> list[Finding]:
    if not isinstance(found.value, dict):
        return [_unreadable(path, Unreadable("no object; a state machine has `StartAt` and `States`", TextPlace(1, 1)))]
    known = names if deployed is None else frozenset(deployed.bound)
    twice = [where for where, _ in found.twice]
    subject = Subject(found.value, kind=kind, twice=twice, names=known, deployed=deployed)
    return _twice_at_the_second(machine_findings(str(path), found, subject), found)


def _template_findings(path: File, found: Read) -> list[Finding]:
    findings: list[Finding] = []
    for machine in machines_of(found.value):
        findings += _of_template(path, found, machine)
    return findings


def _of_template(path: File, found: Read, machine: TemplateMachine) -> list[Finding]:
    inner, base = (machine.text, ()) if machine.text else (found, machine.path)
    twice = [where[len(base) :] for where, _ in inner.twice if where[: len(base)] == base]
    names = frozenset(machine.bound) if machine.bound is not None else None
    subject = Subject(machine.document, path=base, kind=machine.kind, twice=twice, names=names)
    findings = machine_findings(str(path), inner, subject)
    if machine.text:  # a text within a template has no lines of its own
        line, column = found.place(machine.path)
        findings = [_moved(one, line, column) for one in findings]
    used = str(machine.document)
    for name, where in (machine.bound or {}).items():
        if f"${{{name}}}" not in used:
            hit = Hit(where, f"`${{{name}}}` is used nowhere in this machine")
            findings = [*findings, finding_of(str(path), found, unused_placeholder.RULE, hit)]
    return list(findings)


def _moved(one: Finding, line: int, column: int) -> Finding:
    return Finding(one.file, line, column, one.rule, one.severity, one.why, one.fix, one.state)


def _twice_at_the_second(findings: Sequence[Finding], found: Read) -> list[Finding]:
    """Tell of a key that stands twice where it stands for the second time."""
    seconds = {found.place(path): place for path, place in found.twice}
    rule = catalogue()["duplicate-key"]
    moved = [
        _moved(one, *seconds[place])
        if one.rule == rule.id and (place := TextPlace(one.line, one.column)) in seconds
        else one
        for one in findings
    ]
    return sorted(moved, key=lambda one: (one.line, one.column, one.rule))

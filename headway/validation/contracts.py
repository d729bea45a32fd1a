"""Contract and tuning files: what synth and AppConfig would refuse, as findings with the line of the field."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Final

import yaml
from headway_cdk.configuration import ConfigurationError, check_vendors, whole_contract
from headway_lane.contract.answers import KNOWN, answers_of, never_met

from headway.asl.places import Path, TextPlace
from headway.asl.reading import Read, Unreadable, read
from headway.validation.catalogue import catalogue
from headway.validation.finding import Finding
from headway.validation.rules import answer_never_met, contract_refused, duplicate_key

_FIELD: Final = re.compile(r"`([\w.-]+)`")


def contract_findings(path: File) -> Iterator[Finding]:
    """Yield what is wrong with a contract file."""
    yield from _refusals(lambda: whole_contract(path), path)
    yield from _never_met(path)
    for key, place in _read(path).twice:
        yield _finding(duplicate_key.RULE.id, path, place, f"`{key[-1]}` stands twice: only the last one counts", "")


def _never_met(path: File) -> Iterator[Finding]:
    """Yield rules of answers that no answer can meet first."""
    try:
        contract = whole_contract(path)
    except ConfigurationError:
        return
    for part in KNOWN:
        document = contract.get(part, {})
        rules = answers_of(document)
        dead = {index: f"`{part}.answers.{before}` takes the last of its answers" for index, before in never_met(rules)}
        for index, rule in enumerate(rules):
            if document.get("method") == "HEAD" and (rule.at or (rule.texts and not rule.header)):
                dead.setdefault(index, "an answer to HEAD has no body")
            if rule.within_s is not None and rule.within_s < document.get("after_s", 0):
                dead.setdefault(index, f"the vendor is not asked before `{part}.after_s`, {document['after_s']} s")
        written = len(document.get("answers", ()))
        for index, because in sorted(dead.items()):
            field = f"{part}.answers.{index}" if index < written else f"{part}.throttled"
            why = f"`{field}` is never met: {because}"
            yield _finding(answer_never_met.RULE.id, path, _place(path, why), why, "")


def configuration_findings(folder: File) -> Iterator[Finding]:
    """Yield what is wrong with a configuration as a whole, whose contracts are right one by one: tunings."""
    yield from _refusals(lambda: check_vendors(folder), folder)


def _refusals(check: Callable[[], object], path: File) -> Iterator[Finding]:
    try:
        check()
    except ConfigurationError as refusal:
        about, why = path, str(refusal)
        named, _, rest = why.partition(": ")
        if rest:
            about, why = File(named), rest
        yield _finding(contract_refused.RULE.id, about, _place(about, why), *_said(why))


def _finding(rule: str, path: File, place: TextPlace, why: str, fix: str) -> Finding:
    known = catalogue()[rule]
    return Finding(str(path), *place, rule, known.severity, why, fix or known.fix)


def _said(why: str) -> tuple[str, str]:
    """Split a refusal into what is wrong and what to do."""
    wrong, _, fix = why.rpartition("; ")
    return (wrong, fix) if wrong else (why, "")


def _place(path: File, why: str) -> TextPlace:
    """Return where the first field that a refusal names stands."""
    match = _FIELD.search(why)
    found = _read(path)
    return found.place(_path_of(match[1], found)) if match else TextPlace(1, 1)


def _path_of(field: str, found: Read) -> Path:
    """Return the path that is written with dots, as far as the file has it."""
    path: Path = ()
    for word in field.split("."):
        path = (*path, int(word) if word.isdigit() and (*path, int(word)) in found.places else word)
    return path


def _read(path: File) -> Read:
    try:
        return read(path.read_text(encoding="utf-8"), yaml=True)
    except (OSError, ValueError, Unreadable, yaml.YAMLError):
        return Read(None, {})

"""Every rule finds its own broken examples, and nothing is found in its right ones."""

from pathlib import Path

import pytest

from headway.validation.catalogue import catalogue
from headway.validation.explaining import explained
from headway.validation.files import Checked, check_paths
from headway.validation.finding import Severity
from headway.validation.rule import LintRule, example_text

OF_PROJECTS = {"heartbeat-below-progress", "no-grant", "wait-too-short"}
"""Rules that ask what a machine's deployment knows: `test_projects` has their machines."""
OF_FILES = {"answer-never-met", "contract-refused", "unreadable"}
BROKEN = [(rule, text) for rule in catalogue().values() for text in rule.broken]
RIGHT = [(rule, text) for rule in catalogue().values() for text in rule.right]


def look(text: str, folder: Path, name: str = "machine.asl.yaml") -> Checked:
    (folder / name).write_text(text)
    return check_paths([folder / name])


@pytest.mark.parametrize(("rule", "text"), BROKEN, ids=[rule.id for rule, _ in BROKEN])
def test_a_broken_machine_is_found_by_its_rule(rule: LintRule, text: str, tmp_path: Path) -> None:
    outcome = look(example_text(text), tmp_path)
    [found, *_] = [one for one in outcome.findings if one.rule == rule.id]
    assert found.why
    assert found.fix
    assert found.line > 1, "each example has lines before what is wrong"
    assert outcome.exit_code == int(any(one.severity is Severity.ERROR for one in outcome.findings))


@pytest.mark.parametrize(("rule", "text"), RIGHT, ids=[rule.id for rule, _ in RIGHT])
def test_nothing_is_found_in_a_right_machine(rule: LintRule, text: str, tmp_path: Path) -> None:
    assert look(example_text(text), tmp_path).findings == []


@pytest.mark.parametrize("rule", catalogue().values(), ids=catalogue())
def test_a_rule_has_two_broken_examples_and_says_what_to_do(rule: LintRule) -> None:
    assert len(rule.broken) >= 2 or rule.id in OF_PROJECTS | OF_FILES
    assert rule.right or rule.id in OF_PROJECTS | OF_FILES
    assert all((rule.title, rule.why, rule.fix))
    assert not rule.fix.endswith(".")
    assert rule.id in explained(rule)

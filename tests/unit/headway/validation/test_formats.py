"""What programs read of findings: JSON, SARIF as its standard has it, and GitHub's commands."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from headway.validation.finding import Finding, Severity
from headway.validation.formats import github, sarif
from headway.validation.formats import json as as_json

ONE = Finding("a b/order.asl.json", 3, 7, "token-missing", Severity.ERROR, "100% of it,\nlost", "send it", "Ask")
OTHER = Finding("/x/order.asl.json", 1, 1, "whole-input", Severity.WARNING, "why", "fix")
SCHEMA = json.loads((Path(__file__).with_name("sarif-2.1.0-part.json")).read_text())


@pytest.mark.parametrize("findings", [[], [ONE], [ONE, OTHER, ONE]])
def test_sarif_is_what_its_schema_says(findings: list[Finding]) -> None:
    log = json.loads(sarif.render(findings))
    Draft7Validator.check_schema(SCHEMA)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(log)] == []
    [run] = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = json.loads(sarif.render([ONE]))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(Draft7Validator(SCHEMA).iter_errors(log))


def test_json_has_every_field() -> None:
    [found] = json.loads(as_json.render([ONE]))
    assert Finding(**found) == ONE


def test_github_gets_one_line_a_finding_with_nothing_that_ends_it() -> None:
    assert github.render([ONE]) == (
        "::error file=a b/order.asl.json,line=3,col=7,title=token-missing::100%25 of it,%0Alost; send it"
    )

"""What a JSON Schema of AppConfig refuses, and how many validators a profile may have."""

import json
from typing import Any

import pytest

from headway.cloud.strict.configuration_validators import excess_of, mistakes_of_schema

SCHEMA = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["rate_per_s"],
        "properties": {"rate_per_s": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
    }
)


def test_what_satisfies_the_schema_has_no_mistake() -> None:
    assert mistakes_of_schema(SCHEMA, b'{"rate_per_s": 2}') == []


def test_every_mistake_is_named_with_its_place_and_constraint() -> None:
    (missing,) = mistakes_of_schema(SCHEMA, b"{}")
    assert (missing.Constraint, missing.Location) == ("required", "#")
    (wrong,) = mistakes_of_schema(SCHEMA, b'{"rate_per_s": "fast"}')
    assert (wrong.Constraint, wrong.Location) == ("type", "#/rate_per_s")


def test_draft_4_excludes_a_minimum_by_a_boolean() -> None:
    (mistake,) = mistakes_of_schema(SCHEMA, b'{"rate_per_s": 0}')
    assert mistake.Constraint == "minimum"


@pytest.mark.parametrize("schema", ["{", '{"type": "wish"}', '{"exclusiveMinimum": 3}'])
def test_a_schema_that_is_none_of_draft_4_refuses_every_content(schema: str) -> None:
    (mistake,) = mistakes_of_schema(schema, b"{}")
    assert "draft 4" in mistake.Reason


def test_content_that_is_not_json_is_refused() -> None:
    (mistake,) = mistakes_of_schema(SCHEMA, b"rate_per_s: 2")
    assert "not JSON" in mistake.Reason


@pytest.mark.parametrize(
    ("validators", "refused"),
    [
        ([{"Type": "JSON_SCHEMA", "Content": "x" * 32_768}] * 2, False),
        ([{"Type": "JSON_SCHEMA", "Content": "x" * 32_769}], True),
        ([{"Type": "JSON_SCHEMA", "Content": "{}"}] * 3, True),
    ],
)
def test_a_profile_has_two_validators_of_32768_characters(validators: list[dict[str, Any]], refused: bool) -> None:
    assert (excess_of(validators) is not None) is refused

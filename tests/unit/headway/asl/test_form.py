"""What AWS has against a definition, as pure logic: the same table as on the embedded cloud, and where it looks."""

from typing import Any

import pytest

from headway.asl.diagnostics import message_of
from headway.asl.expressions import objections
from headway.asl.form import diagnostics
from headway.cloud.strict.definitions import refusal_of
from tests.cloud.definitions import BROKEN, SOUND, Broken, machine, passing, text_of

ROLE_ARN = "arn:aws:iam::000000000000:role/machine"


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_definition_is_told_by_its_place(broken: Broken) -> None:
    assert broken.words in message_of(diagnostics(text_of(broken.definition), broken.kind))


@pytest.mark.parametrize("definition", SOUND.values(), ids=SOUND)
def test_a_sound_definition_has_nothing_against_it(definition: Any) -> None:
    assert diagnostics(text_of(definition), "STANDARD") == []


@pytest.mark.parametrize(
    "definition",
    [
        {"StartAt": "It", "States": []},
        {"StartAt": "It", "States": {"It": 1}},
        {"StartAt": 1, "States": {"It": {"Type": ["Pass"]}}},
        machine({"Type": "Parallel", "Branches": [1], "End": True}),
        machine({"Type": "Parallel", "Branches": 1, "End": True}),
        machine({"Type": "Map", "ItemProcessor": {"ProcessorConfig": 1}, "End": True}),
        machine({"Type": "Map", "ItemProcessor": 1, "End": True}),
        machine({"Type": "Choice", "Choices": {"Next": "It"}}),
        machine({"Type": "Choice", "Choices": [1]}),
        machine({"Type": "Task", "Resource": 1, "Catch": 1, "Retry": [1], "Next": 1}),
        machine({"Type": "Task", "Resource": "arn:x", "Retry": [{"ErrorEquals": 1, "MaxAttempts": "2"}], "End": True}),
        machine({"Type": "Pass", "Assign": [1], "QueryLanguage": 5, "TimeoutSeconds": True, "End": "yes"}),
        machine({"Type": "Pass", "Parameters": {"a.$": 1}, "ResultPath": 1, "End": True}, "JSONPath"),
        {**passing(1), "TimeoutSeconds": "{% 1 %}"},
    ],
    ids=str,
)
def test_nonsense_of_the_wrong_type_is_refused_and_breaks_nothing(definition: Any) -> None:
    assert diagnostics(text_of(definition), "STANDARD")


def test_each_name_that_is_not_there_is_told_once_in_reading_order() -> None:
    found = objections("one + two + one + $map($states.input, function($x) { three })", in_catcher=False)
    assert [each.message.split("'")[1] for each in found] == ["one", "two", "three"]


@pytest.mark.parametrize("role_arn", [None, "", "role/machine", 5])
def test_a_machine_needs_a_role(role_arn: Any) -> None:
    refused = refusal_of(text_of(passing(1)), "STANDARD", role_arn)
    assert refused == ("InvalidArn", f"Invalid Role Arn: '{role_arn}'")


@pytest.mark.parametrize("definition", [None, "", 5])
def test_no_definition_is_none_of_the_right_length(definition: Any) -> None:
    refused = refusal_of(definition, "STANDARD", ROLE_ARN)
    assert refused is not None
    assert refused[0] == "ValidationException"

"""Binding state machine definitions: everything bound, everything used, and JSON stays JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from headway_cdk import definitions
from headway_cdk.definitions import UnboundPlaceholder, bind
from headway_cdk.resources import WORKFLOWS

MACHINE: dict[str, Any] = {
    "Comment": "calls ${Vendor} within ${Seconds} s",
    "TimeoutSeconds": "${Seconds}",
    "States": {
        "Call": {
            "Resource": "${FunctionArn}",
            "Path": "{% $states.input.${Field} %}",
            "Fields": "${Fields}",
            "List": ["${Seconds}", "${FunctionArn}", 7, None, True],
        }
    },
}
VALUES: dict[str, Any] = {
    "Vendor": "acme",
    "Seconds": 1_260,
    "FunctionArn": "${Token[Function.Arn]}",
    "Field": "id",
    "Fields": {"events": ["end"], "text": "Grüße"},
}
SHIPPED = [path.name.removesuffix(".asl.json") for path in sorted(WORKFLOWS.glob("*.asl.json"))]


@pytest.fixture
def workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(definitions, "WORKFLOWS", tmp_path)
    (tmp_path / "machine.asl.json").write_text(json.dumps(MACHINE))
    return tmp_path


@pytest.mark.usefixtures("workflows")
def test_numbers_and_objects_become_json_and_text_stays_for_cloudformation() -> None:
    definition = bind("machine", VALUES)
    assert json.loads(definition.text) == {
        "Comment": "calls ${Vendor} within 1260 s",
        "TimeoutSeconds": 1_260,
        "States": {
            "Call": {
                "Resource": "${FunctionArn}",
                "Path": "{% $states.input.${Field} %}",
                "Fields": {"events": ["end"], "text": "Grüße"},
                "List": [1_260, "${FunctionArn}", 7, None, True],
            }
        },
    }
    assert definition.substitutions == {"Vendor": "acme", "FunctionArn": "${Token[Function.Arn]}", "Field": "id"}
    assert "Grüße" in definition.text


@pytest.mark.usefixtures("workflows")
def test_a_placeholder_without_a_value_is_refused() -> None:
    values = {name: value for name, value in VALUES.items() if name not in ("Seconds", "Vendor")}
    with pytest.raises(UnboundPlaceholder) as refused:
        bind("machine", values)
    assert str(refused.value) == ("workflows/machine.asl.json: without a value: ['Seconds', 'Vendor']; never used: []")


@pytest.mark.usefixtures("workflows")
def test_a_value_that_nothing_uses_is_refused() -> None:
    with pytest.raises(UnboundPlaceholder, match=r"without a value: \[\]; never used: \['Region'\]"):
        bind("machine", VALUES | {"Region": "eu-central-1"})


def test_a_key_of_an_object_is_no_place_for_a_value(workflows: Path) -> None:
    (workflows / "keyed.asl.json").write_text('{"${Vendor}": 1}')
    assert bind("keyed", {"Vendor": "acme"}).text == '{\n "${Vendor}": 1\n}'


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_definitions_are_refused_without_their_values_and_taken_with_them(name: str) -> None:
    with pytest.raises(UnboundPlaceholder) as refused:
        bind(name, {})
    wanted = json.loads(str(refused.value).partition("without a value: ")[2].partition(";")[0].replace("'", '"'))
    definition = bind(name, {placeholder: 7 if placeholder.endswith("Seconds") else "x" for placeholder in wanted})
    assert isinstance(json.loads(definition.text)["TimeoutSeconds"], int)
    assert set(definition.substitutions) == {word for word in wanted if not word.endswith("Seconds")}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_definition_names_an_account_or_a_region(name: str) -> None:
    text = (WORKFLOWS / f"{name}.asl.json").read_text()
    arns = {word for word in text.replace('"', " ").split() if word.startswith("arn:")}
    assert all(arn.startswith("arn:aws:states:::") for arn in arns)

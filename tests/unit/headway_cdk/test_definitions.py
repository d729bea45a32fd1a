"""Binding state machine definitions: everything bound, everything used, and JSON stays JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from headway_cdk import definitions
from headway_cdk.configuration import ConfigurationError
from headway_cdk.definitions import Definition, UnboundPlaceholder, bind, bind_file
from headway_cdk.placeholders import Binding, function, table
from headway_cdk.resources import WORKFLOWS
from jsonata import Jsonata

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


ORDER = {
    "UseResultFunctionArn": function("${Token[Function.Arn]}"),
    "OrdersTable": table("${Token[Table.Name]}", "arn:orders"),
    "Greeting": Binding("hello"),
    "Limit": Binding(20),
    "Fast": Binding(True),
    "BusArn": Binding("${Token[Bus.Arn]}"),
}


def bound_file(folder: Path, document: Any, **more: Binding) -> Definition:
    path = folder / "order.asl.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return bind_file(path, {**ORDER, **more})


def test_an_authors_file_is_bound_with_what_it_uses_of_all_that_there_is(tmp_path: Path) -> None:
    document = {"Function": "${UseResultFunctionArn}", "TimeoutSeconds": "${Limit}", "Fast": "${Fast}"}
    definition = bound_file(tmp_path, document)
    assert json.loads(definition.text) == {
        "Function": "${UseResultFunctionArn}",
        "TimeoutSeconds": 20,
        "Fast": True,
    }
    assert definition.substitutions == {"UseResultFunctionArn": "${Token[Function.Arn]}"}


def test_the_same_file_gives_the_same_template_in_every_process(tmp_path: Path) -> None:
    tokens = {f"Function{vendor}Arn": Binding(f"${{Token[{vendor}]}}") for vendor in "QWERTYUIOP"}
    definition = bound_file(tmp_path, {"Functions": [f"${{{name}}}" for name in tokens]}, **tokens)
    assert list(definition.substitutions) == sorted(tokens)  # the order of a set is that of the process's hash seed


def test_a_placeholder_of_a_table_may_be_a_key(tmp_path: Path) -> None:
    definition = bound_file(tmp_path, {"RequestItems": {"${OrdersTable}": {}}})
    assert definition.substitutions == {"OrdersTable": "${Token[Table.Name]}"}


def test_a_token_of_cdk_among_the_settings_is_left_to_cloudformation(tmp_path: Path) -> None:
    assert bound_file(tmp_path, {"Bus": "${BusArn}"}).substitutions == {"BusArn": "${Token[Bus.Arn]}"}


@pytest.mark.parametrize("text", ["hello", 'she said "it\'s here"', "back\\slash", "two\nlines", "Grüße", "'; $x"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_setting_arrives_as_it_is_whatever_stands_in_it(tmp_path: Path, text: str, quote: str) -> None:
    document = {"Whole": "${Said}", "Inside": "It is: ${Said}", "Expression": f"{{% {quote}${{Said}}{quote} & '!' %}}"}
    definition = bound_file(tmp_path, document, Said=Binding(text))
    found = json.loads(definition.text)
    assert (found["Whole"], found["Inside"], definition.substitutions) == (text, f"It is: {text}", {})
    assert Jsonata(found["Expression"].removeprefix("{%").removesuffix("%}")).evaluate(None) == f"{text}!"


def test_a_boolean_and_a_number_inside_an_expression_are_those_of_jsonata(tmp_path: Path) -> None:
    found = json.loads(bound_file(tmp_path, {"Expression": "{% ${Fast} and 2 * ${Limit} = 40 %}"}).text)
    assert Jsonata(found["Expression"].removeprefix("{%").removesuffix("%}")).evaluate(None) is True


def test_a_placeholder_that_stands_for_nothing_is_one_line_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        bound_file(tmp_path, {"Function": "${UseResultsFunctionArn}"})
    assert str(refused.value) == (
        f"{tmp_path / 'order.asl.json'}: `${{UseResultsFunctionArn}}` stands for nothing;"
        " did you mean `${UseResultFunctionArn}`?"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not JSON: "), ("[]", "not a JSON object; a state machine has `StartAt` and `States`")],
)
def test_a_file_that_is_no_state_machine_is_refused_by_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        bound_file(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'order.asl.json'}: {said}")


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.asl\.json: there is no such file"):
        bind_file(tmp_path / "absent.asl.json", {})

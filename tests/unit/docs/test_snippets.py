"""What the documents tell to type can be typed, and what they show can be read."""

import ast
import importlib.util
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import typer
import yaml
from headway_cdk.configuration import broken_rule, schema
from headway_cdk.resources import CONFIGURATION
from typer._click.exceptions import UsageError  # typer brings a click of its own, and names few of its errors

from headway.cli import app
from headway.graph.machine import read
from tests.checkout import ROOT
from tests.unit.docs.snippets import Snippet, commands_in, snippets

SHELL = list(snippets("sh", "bash", "shell"))
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def by_place(snippet: Snippet) -> str:
    return snippet.place


def problem(words: list[str]) -> str | None:
    """Return what the command line's own parser has against some words, without running anything."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="headway")
    rest = words
    try:
        while hasattr(command, "commands"):
            name, *rest = rest or [""]
            if name in ("--help", "--version"):
                return None
            if name not in command.commands:
                return f"no command {name!r}"
            command = command.commands[name]
        command.make_context(str(command.name), list(rest), parent=context)
    except UsageError as error:
        return error.format_message()
    except typer.Exit:
        return None
    return None


@pytest.mark.parametrize("snippet", SHELL, ids=by_place)
def test_every_command_of_headway_is_one_with_options_that_it_has(snippet: Snippet) -> None:
    said = {" ".join(words): problem(words) for words in commands_in(snippet.text, "headway")}
    assert not {line: wrong for line, wrong in said.items() if wrong}


@pytest.mark.parametrize("snippet", SHELL, ids=by_place)
def test_every_target_of_make_is_one(snippet: Snippet) -> None:
    named = {word for words in commands_in(snippet.text, "make") for word in words if re.fullmatch("[a-z-]+", word)}
    assert named <= TARGETS


@pytest.mark.parametrize("snippet", list(snippets("yaml", "yml")), ids=by_place)
def test_every_yaml_is_yaml(snippet: Snippet) -> None:
    assert yaml.safe_load(snippet.text) is not None


def test_every_piece_of_a_contract_in_the_documents_is_one_by_the_schema() -> None:
    contract = yaml.safe_load((CONFIGURATION / "presets" / "generic.yaml").read_text())
    rules = schema("vendor")
    pieces = {
        one.place: document
        for one in snippets("yaml", "yml")
        if isinstance(document := yaml.safe_load(one.text), dict) and document.keys() <= rules["properties"].keys()
    }
    assert pieces
    wrong = {place: broken_rule(completed(piece, contract), rules) for place, piece in pieces.items()}
    assert not {place: said for place, said in wrong.items() if said}


@pytest.mark.parametrize("snippet", list(snippets("json")), ids=by_place)
def test_every_json_is_json_or_a_part_of_it_and_a_machine_leads_somewhere(snippet: Snippet) -> None:
    text = snippet.text.strip()
    documents = [json.loads(part) for part in ([f"{{{text}}}"] if text.startswith('"') else lines_or_whole(text))]
    for document in documents:
        if "StartAt" in document:
            assert read(document, snippet.place).states


def completed(piece: Mapping[str, Any], contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a whole contract with a piece's fields: a section may be shown in part."""
    sections = {
        name: {**contract.get(name, {}), **value} if isinstance(value, dict) else value for name, value in piece.items()
    }
    return {**contract, **sections}


def lines_or_whole(text: str) -> list[str]:
    """Return a text as one document, or as one a line."""
    lines = text.splitlines()
    return lines if len(lines) > 1 and all(line.startswith("{") and line.endswith("}") for line in lines) else [text]


@pytest.mark.parametrize("snippet", list(snippets("python", "py")), ids=by_place)
def test_every_python_can_be_compiled_and_imports_what_there_is(snippet: Snippet) -> None:
    for node in ast.walk(ast.parse(snippet.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headway"):
            assert importlib.util.find_spec(str(node.module))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("headway up --only replicate && cd x", None),
        ("jq . x | headway run order --input -", None),
        ("headway new vendor acme # its contract", None),
        ("headway upp", "no command"),
        ("headway up --no-such", "No such option"),
        ("headway graph order --format png", "png"),
        ("headway run order", "Missing option"),
    ],
)
def test_what_is_wrong_with_a_line_is_seen(line: str, wrong: str | None) -> None:
    [words] = commands_in(line, "headway")
    said = problem(words)
    assert (said is None) if wrong is None else (said is not None and wrong in said)

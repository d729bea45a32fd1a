"""Habits of the whole house that no linter knows: one name per class, one place per path, few positional arguments."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import ROOT

SOURCES = ("functions", "cdk", "headway", "benchmarks")
FILES = sorted(path for source in SOURCES for path in (ROOT / source).rglob("*.py"))
MOST_POSITIONAL = 6
MOST_LINES = 350


def definitions(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every definition of a kind, with the name of its file."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kind):
                yield path.relative_to(ROOT).as_posix(), node


def saying(text: str) -> list[str]:
    """Return the files with a text among their string constants, docstrings left out."""
    found = []
    for name, node in definitions(ast.Constant):
        assert isinstance(node, ast.Constant)
        if node.value == text:
            found.append(name)
    return found


def test_no_class_name_stands_twice() -> None:
    places = defaultdict(list)
    for name, node in definitions(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_nobody_has_to_count_arguments() -> None:
    many = []
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef):
        for name, node in definitions(kind):
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            positional = [*node.args.posonlyargs, *node.args.args]
            count = len(positional) - (bool(positional) and positional[0].arg in ("self", "cls"))
            if count > MOST_POSITIONAL:
                many.append(f"{name}: {node.name} has {count}")
    assert many == []


def test_a_file_can_be_read_in_one_go() -> None:
    assert [path.name for path in FILES if len(path.read_text().splitlines()) > MOST_LINES] == []


def test_where_state_and_configuration_are_is_said_once() -> None:
    assert saying(".headway") == ["cdk/headway_cdk/resources.py"]
    assert saying("config/appconfig") == ["cdk/headway_cdk/resources.py"]
    assert saying("headway_configuration") == ["cdk/headway_cdk/resources.py"]


def test_every_package_is_tested_in_the_folder_of_its_name() -> None:
    mirrored = {path.relative_to(ROOT / "tests" / "unit").parts[0] for path in Path(__file__).parent.rglob("test_*.py")}
    assert {"headway", "headway_cdk", "headway_lane"} <= mirrored

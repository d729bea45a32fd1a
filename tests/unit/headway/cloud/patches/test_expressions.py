"""The patch of the emulator's JSONata: an expression is parsed once, and evaluated as before by every thread."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser

from headway.cloud.patches import expressions


@pytest.fixture(autouse=True)
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Patch the library for one test, and note what is really parsed."""
    monkeypatch.setattr(Jsonata, "get_parser", staticmethod(Jsonata.get_parser))
    noted: list[Any] = []
    parse = Parser.parse

    def parse_and_note(parser: Parser, source: Any, *rest: Any) -> Any:
        noted.append(source)
        return parse(parser, source, *rest)

    monkeypatch.setattr(Parser, "parse", parse_and_note)
    expressions.apply()
    yield noted
    expressions.RememberingParser.parse.cache_clear()


def evaluate(expression: str, states: Any) -> Any:
    return Jsonata.jsonata(expression, timeout=1_000).evaluate(None, {"states": states})


def test_an_expression_is_parsed_once_whoever_evaluates_it(parsed: list[Any]) -> None:
    expression = "$map($states.input, function($each) { $each.rank * 2 })"

    def doubled(number: int) -> Any:
        return evaluate(expression, {"input": [{"rank": number}, {"rank": number + 1}]})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(doubled, range(200)))
    assert answers == [[2 * number, 2 * number + 2] for number in range(200)]
    assert 1 <= parsed.count(expression) <= 8  # the first of each thread may meet


def test_expressions_do_not_mix_what_they_define() -> None:
    assert evaluate("($x := $states.input; $f := function() { $x }; $f())", {"input": 1}) == 1
    assert evaluate("$exists($x) or $exists($f)", {"input": 1}) is False


def test_an_expression_that_cannot_be_parsed_says_so_each_time() -> None:
    for _ in range(2):
        with pytest.raises(JException, match="end of expression"):
            evaluate("$states.", {})

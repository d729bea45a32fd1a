"""moto's expressions and definitions: evaluated by jsonata-python, and parsed once."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_parse: Final = AmazonStateLanguageParser.parse


@lru_cache(64)
def parsed(definition: str) -> Any:
    """Parse a definition once: that takes longer than to run it, and items of a Map share one tree, too."""
    Preprocessor._query_language_per_scope.clear()  # a refused definition leaves its own there
    return _parse(definition)


def evaluate(expression: str) -> Any:
    """Evaluate what moto has composed: declarations of variables, then the expression."""
    try:
        compiled = Jsonata.jsonata(expression, timeout=1_000)
        compiled.register_lambda("parse", json.loads)
        return _plain(compiled.evaluate(None))
    except Exception as problem:
        raise moto_jsonata.JSONataException(getattr(problem, "error", None) or "UNKNOWN", str(problem)) from problem


def _plain(value: Any) -> Any:
    """Return the value without the library's own kinds of list and null."""
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def declarations(bindings: Mapping[str, Any]) -> str:
    """Declare variables; moto puts texts between quotes as they are, whatever quotes are in them."""
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())

"""moto's interpreter of state machines, let loose on the services of the embedded cloud.

It descends from LocalStack's, which was checked against recorded AWS histories. It reaches services through boto3, at
moto's own server; here it finds the embedded cloud there. Its JSONata needs a Java machine; here `jsonata-python`
evaluates. Both are private names of moto: `test_interpreters.py` notices when they move.
"""

import json
import logging
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

ACCOUNT = "000000000000"
REGION = "us-east-1"


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


def _as_administrator(**options: Any) -> Any:
    """Make a client with the keys of the embedded cloud's account, in place of moto's own, which it does not know."""
    return boto3.client(**{**options, "aws_access_key_id": "test", "aws_secret_access_key": "test"})


def attach(endpoint_url: str) -> StepFunctionsParserBackend:
    """Return the interpreter, which calls the services at `endpoint_url`."""
    port = urlsplit(endpoint_url).port
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it prints a tree for each error that a machine makes
    private: Any = boto_client
    private.moto_server_port = lambda: port
    private.boto3 = SimpleNamespace(client=_as_administrator)
    moto_jsonata._eval_jsonata = evaluate
    parse = AmazonStateLanguageParser.parse
    one_at_a_time = threading.Lock()

    def parse_alone(definition: str) -> Any:
        # The languages of the scopes are kept for all threads, and a refused definition leaves its own there.
        with one_at_a_time:
            Preprocessor._query_language_per_scope.clear()
            return parse(definition)

    parser: Any = AmazonStateLanguageParser
    parser.parse = staticmethod(parse_alone)
    return stepfunctions_parser_backends[ACCOUNT][REGION]

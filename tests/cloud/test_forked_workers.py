"""Workers are forked from one process: each is still an execution environment of its own, whatever the others do."""

import json
from typing import Any
from uuid import uuid4

import pytest

from headway.deployment.target import Target
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of

SOURCE = """
import os, sys, time
WORD = os.environ["WORD"]  # read at import, as much code does
count = 0

def handler(event, context):
    global count
    count += 1
    if event.get("crash"):
        os._exit(1)
    if event.get("fail"):
        raise ValueError("as asked")
    time.sleep(event.get("sleep_s", 0))
    return {
        "word": WORD,
        "greeting": GREETING,
        "count": count,
        "parent": os.getppid(),
        "boto3": "boto3" in sys.modules,
        "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "key": os.environ["AWS_ACCESS_KEY_ID"],
        "secret": os.environ.get("SECRET"),
    }
"""


def greeter(target: Target, greeting: str, **variables: str) -> str:
    """Create a function with code and an environment of its own; it times out after a second."""
    name = function_of(target, f"GREETING = {greeting!r}\n{SOURCE}", Environment={"Variables": variables})
    target.client("lambda").update_function_configuration(FunctionName=name, Timeout=1)
    return name


def call(target: Target, name: str, **event: Any) -> tuple[dict[str, Any], bool]:
    """Invoke a function; return its answer, and whether that is an error."""
    answer = target.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


@pytest.fixture(scope="module")
def functions(clouds: Clouds) -> tuple[str, str]:
    return (
        greeter(clouds.strict, "good day", WORD=f"first-{uuid4().hex}", SECRET="of the first"),
        greeter(clouds.strict, "good night", WORD=f"second-{uuid4().hex}"),
    )


def test_functions_of_one_process_have_their_own_code_and_environment(
    clouds: Clouds, functions: tuple[str, str]
) -> None:
    (first, _), (second, _) = (call(clouds.strict, name) for name in functions)
    assert (first["greeting"], second["greeting"]) == ("good day", "good night")
    assert (first["name"], second["name"]) == functions
    assert (first["word"][:5], second["word"][:6]) == ("first", "second")
    assert (first["secret"], second["secret"]) == ("of the first", None)
    assert first["parent"] == second["parent"]
    assert first["boto3"]


@pytest.mark.parametrize(
    ("event", "words"),
    [({"crash": True}, "died"), ({"fail": True}, "as asked"), ({"sleep_s": 5}, "timed out")],
    ids=["a crash", "an error", "a timeout"],
)
def test_what_ends_one_worker_ends_no_other_and_the_next_invocation_has_a_new_one(
    clouds: Clouds, functions: tuple[str, str], event: dict[str, Any], words: str
) -> None:
    doomed, other = functions
    before, _ = call(clouds.strict, other)
    call(clouds.strict, doomed)

    answer, is_error = call(clouds.strict, doomed, **event)

    assert is_error
    assert words in answer["errorMessage"]
    after, is_error = call(clouds.strict, doomed)
    assert (after["count"], is_error) == (1, False)
    untouched, _ = call(clouds.strict, other)
    assert untouched["count"] == before["count"] + 1

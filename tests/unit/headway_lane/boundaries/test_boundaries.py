"""Whatever goes over a boundary is what its service takes; what fits goes as it is, and what does not has a name."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import headway_lane
import pytest
from headway_lane.runtime.errors import ErrorCode
from hypothesis import example, given, settings
from hypothesis import strategies as st

import headway
from tests.unit.headway_lane.boundaries.boundary import Boundary, Fate, filled
from tests.unit.headway_lane.boundaries.table import BOUNDARIES, WITHOUT_TEXT

FUNCTIONS = Path(headway_lane.__file__).parent
TOOL = Path(headway.__file__).parent
OF_THE_CLOUD = ("cloud", "simulator", "testing")
"""Folders of the tool that play AWS and the vendor, and the laboratory."""
ALPHABET = ("x", "\u00e9", "\u4e2d", "\U0001f600", '"', "\\", "\n", "\x01", "\x7f", "\u2028", "\ufffe", "\uffff")
"""ASCII, two, three and four bytes; what JSON escapes; what SQS refuses."""
HALF = "\ud83d"
WRITING = frozenset(
    {
        *("send_message", "send_message_batch", "start_execution", "start_sync_execution", "put_item", "update_item"),
        *("send_task_success", "send_task_failure", "send_task_heartbeat", "put_object", "put_events", "publish_batch"),
        *(f"send_durable_execution_callback_{word}" for word in ("success", "failure", "heartbeat")),
        *("transact_write_items", "batch_write_item", "put_parameter", "put_secret_value", "invoke"),
    }
)
"""Calls of clients that carry texts to a service."""
units = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=4)
beyond_bytes = st.sampled_from([-130, -1, 0, 1, 5])
rows = pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)


def sources() -> Iterator[tuple[str, Path]]:
    """Yield the files that speak with AWS, with their names in the table: those of the functions are short."""
    yield from ((path.relative_to(FUNCTIONS).as_posix(), path) for path in FUNCTIONS.rglob("*.py"))
    for path in TOOL.rglob("*.py"):
        if path.relative_to(TOOL).parts[0] not in OF_THE_CLOUD:
            yield path.relative_to(TOOL.parent).as_posix(), path


def methods_of(path: Path) -> set[str]:
    """Return the methods that a file names, called there or handed on."""
    return {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


def check(boundary: Boundary, text: str) -> None:
    """Send a text, and look at it from the service's side."""
    sent = boundary.send(text)
    assert [(limit.size_bytes, size) for limit, size in sent.went if size > limit.size_bytes] == []
    plain_bytes = boundary.plain(text)
    if plain_bytes > boundary.switch_bytes:
        assert sent.fate is boundary.beyond
    elif plain_bytes <= boundary.switch_bytes - boundary.slack_bytes:
        assert sent.fate is Fate.INTACT
    assert sent.error == (boundary.error if sent.fate is Fate.REFUSED else None)


@rows
@settings(max_examples=12)
@given(unit=units, beyond=beyond_bytes)
@example(unit="\u4e2d", beyond=1)
@example(unit="\U0001f600", beyond=0)
@example(unit="\U0001f600", beyond=1)
@example(unit='"', beyond=0)
@example(unit="\uffff", beyond=1)
def test_what_fits_goes_as_it_is_and_what_does_not_is_kept_out(boundary: Boundary, unit: str, beyond: int) -> None:
    check(boundary, filled(unit, boundary, boundary.switch_bytes + beyond))


@rows
@settings(max_examples=6)
@given(unit=units)
def test_what_is_several_times_too_large_is_kept_out_too(boundary: Boundary, unit: str) -> None:
    check(boundary, filled(unit, boundary, 4 * boundary.switch_bytes))


@pytest.mark.parametrize("boundary", [row for row in BOUNDARIES if row.halves], ids=lambda boundary: boundary.name)
@pytest.mark.parametrize("beyond", [-130, 1])
def test_half_of_a_surrogate_pair_counts_as_the_escape_that_it_is_sent_as(boundary: Boundary, beyond: int) -> None:
    check(boundary, filled(HALF, boundary, boundary.switch_bytes + beyond))


@rows
def test_a_row_names_a_guard_that_there_is(boundary: Boundary) -> None:
    found: Any = headway if boundary.guard.startswith("headway.") else headway_lane
    for name in boundary.guard.removeprefix("headway.").split("."):
        found = getattr(found, name, None) or import_module(f"{found.__name__}.{name}")
    assert callable(found)
    assert boundary.limit.source


def test_every_call_that_carries_a_text_has_a_row() -> None:
    made = {f"{name}: {method}" for name, path in sources() for method in methods_of(path) & WRITING}
    assert made == {call for row in BOUNDARIES for call in row.calls} | set(WITHOUT_TEXT)


def test_errors_have_names_that_step_functions_takes() -> None:
    assert max(len(code) for code in ErrorCode) <= 256  # botocore: SensitiveError

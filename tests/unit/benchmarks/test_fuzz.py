"""The verdict over a fuzzed webhook: one fault of any kind is enough against it."""

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest

from benchmarks.fuzz import Fuzz
from benchmarks.fuzz_turn import FuzzTurn

SOUND = Fuzz(
    seconds=1.0,
    answers={"acme": {"202": 3, "403": 1}},
    server_errors_count=0,
    undocumented_count=0,
    unsent_count=0,
    fates={"acme": {"Forged": 2, "Taken": 1}},
    misjudged_count=0,
    crashed_count=0,
    stuck_count=0,
    forged_records_count=0,
    stray_records_count=0,
    missing_records_count=0,
    open_count=5,
    ends={"SUCCEEDED": 5},
)
FAULTS = {field.name for field in fields(Fuzz) if field.type is int} - {"unsent_count", "open_count"}


def test_a_run_without_a_fault_is_sound() -> None:
    assert SOUND.is_sound


@pytest.mark.parametrize(
    "changes",
    [
        *({name: 1} for name in sorted(FAULTS)),
        {"open_count": 4},
        {"open_count": 0, "ends": {}},
        {"ends": {"SUCCEEDED": 4, "FAILED": 1}},
    ],
)
def test_one_fault_or_one_disturbed_call_is_enough_against_it(changes: Any) -> None:
    assert not replace(SOUND, **changes).is_sound


def test_no_answer_is_as_bad_as_a_server_error_and_turns_add_up() -> None:
    answers = Counter({"202": 2, "500": 1, "503": 1, "ReadTimeout": 1, "415": 1})
    one = FuzzTurn(answers, 1, 2, Counter(Forged=2), frozenset())
    assert one.server_errors_count == 3
    both = one + FuzzTurn(Counter({"202": 1}), 0, 1, Counter(Taken=1), frozenset({"acme#a"}))
    assert both == FuzzTurn(one.answers + Counter({"202": 1}), 1, 3, Counter(Forged=2, Taken=1), frozenset({"acme#a"}))

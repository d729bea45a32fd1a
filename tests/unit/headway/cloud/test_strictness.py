"""Refusals are found by being there, switched off by name, and an unknown name is a usage problem."""

import pytest

from headway.cloud.strictness import ALL, left_out, refusals
from headway.errors import UsageProblem


def test_nothing_is_left_out_unless_it_is_named() -> None:
    assert left_out("") == frozenset()
    assert left_out(" , ") == frozenset()


def test_all_leaves_out_every_refusal() -> None:
    assert left_out(ALL) == frozenset(refusals())


def test_a_name_that_is_no_refusal_is_a_usage_problem_that_says_what_there_is() -> None:
    with pytest.raises(UsageProblem, match=r"no refusal gravity; there is all"):
        left_out("gravity")

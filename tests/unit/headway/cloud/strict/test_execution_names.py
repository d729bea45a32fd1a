"""Which names AWS takes, and when one is free again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cloud.strict.execution_names import is_free, refusal_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.text("0123456789ABCXYZabcxyz-_.", min_size=1, max_size=80))
def test_names_of_plain_characters_are_taken(name: str) -> None:
    assert refusal_of(name) is None


@pytest.mark.parametrize("character", list(' \t\n<>{}[]?*"#%\\^|~`$&,;:/\x00\x1f\x7f\x9f\ufffe\ud800\U0010ffff'))
def test_each_character_of_the_list_is_refused(character: str) -> None:
    assert refusal_of(f"a{character}b") == ("InvalidName", f"Invalid Name: 'a{character}b'")


@pytest.mark.parametrize("length", [0, 81])
def test_a_length_out_of_bounds_fails_a_constraint(length: int) -> None:
    refused = refusal_of("n" * length)
    assert refused is not None
    assert refused[0] == "ValidationException"


def test_a_name_is_free_90_days_after_the_end() -> None:
    assert not is_free({"stopDate": None}, NOW)
    assert not is_free({"stopDate": (NOW - timedelta(days=90)).isoformat()}, NOW)
    assert is_free({"stopDate": (NOW - timedelta(days=91)).isoformat().replace("+00:00", "Z")}, NOW)

"""Tokens that say themselves that they were given out."""

import pytest

from headway.cloud.strict.task_tokens import is_json, is_token, new_token


def test_a_token_is_known_again_and_none_is_like_another() -> None:
    tokens = {new_token("before") for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_token, tokens))


@pytest.mark.parametrize(
    "garbage", ["", "FakeTaskToken", "AAAA", "0f9c2a44-2f1c-4e55-9f0e-7c1a6f0c2d11", None, "\u6c34"]
)
def test_nothing_else_is_a_token(garbage: str | None) -> None:
    assert not is_token(garbage)


def test_a_token_that_was_cut_or_changed_is_none() -> None:
    changed = new_token()
    assert not is_token(changed[:-4])
    assert not is_token(("A" if changed[0] != "A" else "B") + changed[1:])


def test_json_is_told_from_other_text() -> None:
    assert all(map(is_json, ['"text"', "null", "[1]", "{}"]))
    assert not any(map(is_json, ["", "text", "{a: 1}", None]))

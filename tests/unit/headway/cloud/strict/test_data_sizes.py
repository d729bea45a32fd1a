"""Bytes of UTF-8, and what escapes and spaces have to do with them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from headway.cloud.strict.data_sizes import LONGEST_BYTES, data_too_long, too_long

WATER = "\u6c34"


def test_a_text_counts_in_bytes() -> None:
    assert not too_long("x" * LONGEST_BYTES)
    assert too_long("x" * (LONGEST_BYTES + 1))
    assert not too_long(WATER * (LONGEST_BYTES // 3))
    assert too_long(WATER * (LONGEST_BYTES // 3 + 1))
    assert too_long("\ud800" * LONGEST_BYTES), "half a character has bytes too"


def test_data_counts_without_escapes_and_spaces() -> None:
    chinese = [WATER * 40_000, WATER * 40_000]
    assert not data_too_long(json.dumps(chinese), chinese)
    many = [1] * (LONGEST_BYTES // 2)
    assert data_too_long(json.dumps(many), many), "one byte too many"
    assert not data_too_long(json.dumps(many[1:]), many[1:])


@given(st.lists(st.text()) | st.dictionaries(st.text(max_size=5), st.integers() | st.booleans()))
def test_json_with_escapes_is_never_shorter(data: object) -> None:
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    assert len(json.dumps(data)) >= len(plain)

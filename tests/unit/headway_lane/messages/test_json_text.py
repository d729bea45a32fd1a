"""JSON as it leaves for AWS: no byte more than UTF-8 takes, and every value comes back."""

import json
from typing import Any

from headway_lane.messages import json_text
from headway_lane.messages.check import Check
from headway_lane.messages.claim import CARRIED_BYTES, Claim
from headway_lane.messages.results_queue import write
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import FakeS3, request_of

QUOTES_BYTES = 2
any_text = st.text(st.characters(codec=None, categories=None))
"""Every code point, halves of surrogate pairs too."""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=10,
)
characters = st.characters(min_codepoint=0x20, exclude_characters='"\\\\', exclude_categories=["Cs"])


@given(json_values)
def test_every_value_comes_back_and_the_text_measures_what_its_bytes_do(value: Any) -> None:
    assert json.loads(json_text.encode(value)) == json.loads(json.dumps(value))
    assert json_text.write(value).encode() == json_text.encode(value)


@given(st.text(characters))
def test_a_text_takes_its_utf_8_and_two_quotes(text: str) -> None:
    assert len(json_text.encode(text)) == len(text.encode()) + QUOTES_BYTES


def test_half_of_a_surrogate_pair_keeps_its_escape() -> None:
    assert json_text.write({"text": "\\\ud800"}) == '{"text":"\\\\\\ud800"}'


@given(characters, st.integers(min_value=-8, max_value=8))
def test_what_travels_is_measured_as_it_is_sent(character: str, beyond: int) -> None:
    width = len(character.encode())
    fill = CARRIED_BYTES + beyond - QUOTES_BYTES
    value = character * (fill // width) + "x" * (fill % width)
    assert len(json_text.encode(value)) == CARRIED_BYTES + beyond
    slim = FakeS3().claims().slim(value, "results/acme")
    assert (Claim.read(slim) is None) is (beyond <= 0)


def test_messages_are_written_without_escapes_and_spaces() -> None:
    assert '"payload":{"text":"Gr\u00fc\u00dfe"}' in request_of().to_body()
    assert '"job_id":"\u00fc"' in write(Check("c", "\u00fc", 1, 2))

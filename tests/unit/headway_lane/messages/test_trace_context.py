"""The trace of a call, which a vendor's logs may quote."""

import re

import pytest
from headway_lane.messages.trace_context import call_id_in, traceparent_of

CALL_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
W3C = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]")
"""W3C Trace Context, version 00."""


@pytest.mark.parametrize("round_number", [0, 1, 16, 300])
def test_a_trace_is_written_as_w3c_says_and_leads_back_to_its_call(round_number: int) -> None:
    written = traceparent_of(CALL_ID, round_number)
    assert W3C.fullmatch(written)
    assert call_id_in(written) == CALL_ID


def test_a_repeat_has_the_same_trace_and_another_round_another_parent() -> None:
    assert traceparent_of(CALL_ID) == traceparent_of(CALL_ID, 0) == f"00-{CALL_ID}-ce929d0e0e473600-01"
    assert traceparent_of(CALL_ID, 1) == f"00-{CALL_ID}-ce929d0e0e473601-01"


@pytest.mark.parametrize("text", ["", CALL_ID, "job-of-a-vendor", "a-b-c-d"])
def test_what_is_no_trace_of_ours_leads_nowhere(text: str) -> None:
    assert call_id_in(text) is None

"""What an invocation is about, as text."""

import base64
from typing import Any

import pytest

from headway.cloud.askers import text_of


def test_an_event_is_known_by_what_is_in_it_and_by_what_is_in_its_messages_behind_base64() -> None:
    callback = base64.b64encode(b'{"tag": "call-1"}').decode()
    text = text_of({"Records": [{"body": "of call-2"}, {"body": callback}]})
    assert "of call-2" in text
    assert '{"tag": "call-1"}' in text


@pytest.mark.parametrize("event", [None, [], "text", {"Records": None}, {"Records": ["text", {}, {"body": 1}]}])
def test_any_event_has_a_text(event: Any) -> None:
    assert text_of(event)

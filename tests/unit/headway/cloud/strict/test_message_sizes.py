"""What SQS counts of a message."""

import base64

import pytest

from headway.cloud.strict.message_sizes import problem, size_bytes


def test_a_body_is_counted_in_bytes_of_utf_8() -> None:
    assert size_bytes("aü漢", {}) == 1 + 2 + 3


def test_an_attribute_counts_with_its_name_its_type_and_its_value() -> None:
    assert size_bytes("", {"näme": {"DataType": "String", "StringValue": "ü"}}) == 5 + 6 + 2


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_binary_value_counts_as_it_is_without_base64(length: int) -> None:
    value = base64.b64encode(b"=" * length).decode()

    assert size_bytes("", {"n": {"DataType": "Binary", "BinaryValue": value}}) == 1 + 6 + length


def test_a_type_may_not_be_missing() -> None:
    reason = problem("body", {"name": {"StringValue": "value"}}, 100)

    assert reason == "Message (user) attribute 'name' must contain a non-empty attribute type."

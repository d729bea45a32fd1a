"""Which receipts a delete passes over."""

from uuid import uuid4

import pytest

from headway.cloud.patches.receipts import was_given


def test_a_receipt_of_the_emulator_was_given() -> None:
    assert was_given(str(uuid4()))


@pytest.mark.parametrize("receipt", ["", "none", uuid4().hex, "{" + str(uuid4()) + "}"])
def test_what_has_another_form_was_not(receipt: str) -> None:
    assert not was_given(receipt)

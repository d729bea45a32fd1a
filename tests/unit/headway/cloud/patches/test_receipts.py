"""Which receipts a delete passes over."""

import pytest

from headway.cloud.patches.receipts import was_given

RECEIPT = "de9990b0-d4b0-463e-8cfa-2ce44a87754f"


def test_a_receipt_of_the_emulator_was_given() -> None:
    assert was_given(RECEIPT)


@pytest.mark.parametrize("receipt", ["", "none", RECEIPT.replace("-", ""), RECEIPT.upper()])
def test_what_has_another_form_was_not(receipt: str) -> None:
    assert not was_given(receipt)

"""The numbers of the fence that ADR 0004 has in a table, and contract.md in a sentence, are those of the code."""

import math
import re

import pytest
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.fences import Fence
from headway_lane.contract.limits import Scope

from tests.checkout import ROOT
from tests.unit.headway_lane.fakes import vendor_of

ADR = (ROOT / "docs" / "adr" / "0004-the-throttle-is-a-fence.md").read_text()
ROWS = re.findall(r"^\| (\d+) per ([\d.]+) s \| (.*) \|$", ADR, re.MULTILINE)


def fence(amount: int, per_s: float, pacing: Pacing) -> Fence:
    limit = {"quantity": "calls", "amount": amount, "per_s": per_s, "scope": "submit"}
    found = vendor_of({"limits": [limit], "dispatch.pacing": pacing}).fence(Scope.SUBMIT)
    assert found is not None
    return found


def most(fence: Fence, per_s: float) -> int:
    """Return the most that a bucket alone lets through in any window: all of its burst, and what flows in."""
    return math.floor(fence.rate_per_s * per_s + fence.burst_count)


@pytest.mark.parametrize(("amount", "per_s", "cells"), ROWS)
def test_a_row_of_the_table_is_what_the_code_draws(amount: str, per_s: str, cells: str) -> None:
    count, window_s = int(amount), float(per_s)
    plain, permits = (fence(count, window_s, pacing) for pacing in (Pacing.DELAY, Pacing.PERMITS))
    share = plain.rate_per_s * window_s / count
    drawn = [plain.burst_count, f"{plain.rate_per_s:g}/s", most(plain, window_s), f"{share:.2f}"]
    drawn += [permits.burst_count, f"{permits.rate_per_s:g}/s", most(permits, window_s)]
    assert cells.split(" | ") == [str(cell) for cell in drawn]


def test_the_table_has_the_sizes_that_contracts_have() -> None:
    assert {"1", "5", "9", "10", "20", "50", "300"} <= {amount for amount, _, _ in ROWS}


def test_the_contracts_page_says_how_much_the_fence_alone_lets_through() -> None:
    text = " ".join((ROOT / "docs" / "contract.md").read_text().split())
    at_ten, at_five = (most(fence(amount, 1, Pacing.PERMITS), 1) for amount in (10, 5))
    assert f"{at_ten} calls in any second of a contract of 10/s, {at_five} of 5/s" in text

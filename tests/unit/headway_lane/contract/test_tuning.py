"""What an operator may say, and what holds where nobody says anything."""

import pytest
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, DELAY_SHARE, Tuning

from tests.unit.headway_lane.fakes import vendor_of


@pytest.mark.parametrize(("pacing", "share"), [(Pacing.DELAY, DELAY_SHARE), (Pacing.PERMITS, 1)])
def test_without_an_operators_word_plain_pacing_stays_below_the_contract_and_permits_use_it(
    pacing: Pacing, share: float
) -> None:
    vendor = vendor_of({"dispatch.pacing": pacing})
    assert Tuning.default_of(vendor) == Tuning(0, share * vendor.max_rps(Scope.SUBMIT), DEFAULT_HEADROOM_MS, True)
    assert DELAY_SHARE < 1


def test_a_tuning_is_read_as_its_schema_describes_it() -> None:
    document = {"delay_ms": 40, "rate_per_s": 2.5}
    assert Tuning.from_document(document) == Tuning(40, 2.5, DEFAULT_HEADROOM_MS, True)
    document |= {"headroom_ms": 30, "answers_prove_arrival": False}
    assert Tuning.from_document(document) == Tuning(40, 2.5, 30, False)

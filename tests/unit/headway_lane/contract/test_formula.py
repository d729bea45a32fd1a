"""A formula is kept with its property, is chosen by the attributes that it names, and says what the property does."""

from dataclasses import dataclass

import pytest
from headway_lane.contract.formula import Formula, formula, formulas
from headway_lane.contract.limits import FENCE_BURST_SHARE, Limit, Scope
from headway_lane.contract.vendor import Vendor
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway.planning.situations import evaluate


@dataclass(frozen=True, slots=True)
class Part:
    heavy: bool


@dataclass(frozen=True, slots=True)
class Base:
    part: Part
    count: int

    @property
    @formula("count + 1", note="one more")
    def more_count(self) -> int:
        return self.count + 1

    @property
    def plain_count(self) -> int:
        return self.count


@dataclass(frozen=True, slots=True)
class Whole(Base):
    quiet: bool

    @property
    @formula("2 x count", when="part.heavy")
    @formula("3 x count", when="not part.heavy and quiet")
    def weighed_count(self) -> int:
        return self.count * (2 if self.part.heavy else 3)


def test_formulas_are_found_by_the_name_of_their_property_in_the_order_written_those_of_bases_too() -> None:
    assert formulas(Whole) == {
        "more_count": (Formula("count + 1", "", "one more"),),
        "weighed_count": (Formula("2 x count", "part.heavy"), Formula("3 x count", "not part.heavy and quiet")),
    }


def test_a_property_with_a_formula_is_a_property_like_any_other() -> None:
    assert Whole(Part(heavy=True), 4, quiet=False).weighed_count == 8
    assert isinstance(vars(Whole)["weighed_count"], property)


@pytest.mark.parametrize(
    ("heavy", "quiet", "holding"),
    [(True, True, ["2 x count"]), (True, False, ["2 x count"]), (False, True, ["3 x count"]), (False, False, [])],
)
def test_a_formula_holds_where_all_that_it_names_agrees(heavy: bool, quiet: bool, holding: list[str]) -> None:
    whole = Whole(Part(heavy), 4, quiet)
    assert [variant.text for variant in formulas(Whole)["weighed_count"] if variant.holds(whole)] == holding
    assert formulas(Whole)["more_count"][0].holds(whole)


def test_a_condition_that_names_nothing_is_a_defect() -> None:
    with pytest.raises(AttributeError):
        Formula("1", when="not there").holds(Part(heavy=True))


@given(amount=st.integers(1, 100_000), per_s=st.sampled_from([0.25, 1, 7, 10, 60, 86_400]))
def test_the_formulas_of_a_limit_are_true_of_its_own_numbers(amount: int, per_s: float) -> None:
    limit = Limit(amount, per_s, Scope.SUBMIT)
    for name, [variant] in formulas(Limit).items():
        text = variant.text.replace("burst_share", repr(FENCE_BURST_SHARE))
        for term in ("fence_burst_count", "burst_factor", "amount", "per_s"):
            text = text.replace(term, repr(getattr(limit, term)))
        assert evaluate(text) == pytest.approx(getattr(limit, name)), variant


def test_a_contract_keeps_a_formula_with_each_of_its_numbers() -> None:
    members = {name: member for kind in Vendor.__mro__ for name, member in vars(kind).items()}
    properties = {name for name, member in members.items() if isinstance(member, property)}
    assert properties - formulas(Vendor).keys() == {"shares", "poll_fence"}, "those are no numbers"

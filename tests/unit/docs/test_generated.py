"""What the documents say of the code is what the code says today."""

import re

import pytest

from docs.generator.drawing import drawing
from docs.generator.pages import pages
from docs.generator.reference import reference
from docs.generator.values import constants, fill, quantity, values
from tests.checkout import ROOT
from tests.unit.docs.documents import tracked

PICTURE = """
title: Here and there
lanes: {here: Here, there: There}
boxes:
  ask: [here, 1, Ask]
  look: [here, 2, Look, twice]
  answer: [there, 1, Answer & go, at once, there/]
arrows:
"""


def test_what_is_generated_is_what_make_docs_would_write() -> None:
    old = [path.relative_to(ROOT).as_posix() for path, text in pages().items() if path.read_text() != text]
    assert not old, f"run `make docs`: {', '.join(old)}"


def test_a_mark_is_followed_by_the_value_of_today() -> None:
    known = {"LEAD_US": "500 ms", "limiter.ATTEMPTS": "12"}
    text = "at <!-- value: LEAD_US -->3.5 s, <!-- value: limiter.ATTEMPTS --> and <!-- value: LEAD_US -->9 ms."
    filled = "at <!-- value: LEAD_US -->500 ms, <!-- value: limiter.ATTEMPTS -->12 and <!-- value: LEAD_US -->500 ms."
    assert fill(text, known) == filled


def test_a_mark_may_name_a_number_that_follows_from_a_shipped_contract() -> None:
    mark = "<!-- value: replicate.waits.tolerated_s -->"
    assert fill(f"{mark}1 s", {}) == f"{mark}300 s"


def test_a_mark_that_names_nothing_is_an_error() -> None:
    with pytest.raises(KeyError, match="NOWHERE"):
        fill("<!-- value: NOWHERE -->1 s", values())


def test_no_mark_begins_a_line_where_markdown_would_take_it_for_html() -> None:
    lines = [(path.name, line) for path in tracked("*.md") for line in path.read_text().splitlines()]
    assert not [(name, line) for name, line in lines if re.match(r"\s*<!-- value:", line)]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LEAD_US", 500_000, "500 ms"),
        ("EMISSION_US", 20_300, "20.3 ms"),
        ("PATIENCE_US", 10_000_000, "10 s"),
        ("HEADROOM_MS", 15, "15 ms"),
        ("BUDGET_S", 20.0, "20 s"),
        ("JOB_TTL_S", 2_592_000, "30 days"),
        ("CARRIED_BYTES", 196_608, "196,608 bytes"),
        ("SCHEDULED_BELOW_RPS", 0.2, "0.2/s"),
        ("ATTEMPTS", 12, "12"),
    ],
)
def test_a_quantity_has_the_unit_that_its_name_ends_with(name: str, value: float, text: str) -> None:
    assert quantity(name, value) == text


def test_no_name_stands_for_two_numbers() -> None:
    named: dict[str, set[float]] = {}
    for each in constants():
        named.setdefault(each.name, set()).add(each.value)
    assert {name: found for name, found in named.items() if len(found) > 1} == {}


def test_every_number_that_the_functions_name_is_in_the_reference() -> None:
    page = reference()
    assert all(f"`{each.folder}.{each.module}.{each.name}`" in page for each in constants())


def test_an_arrow_leads_along_a_row_down_a_lane_or_up_beside_it() -> None:
    picture = drawing(PICTURE + "  - [ask, answer, now]\n  - [ask, look]\n  - [look, ask, again, dashed]\n")
    assert picture.count('class="tip"') == 3
    assert picture.count('class="arrow dashed"') == 1
    assert "Answer &amp; go" in picture


def test_an_arrow_askew_is_refused() -> None:
    with pytest.raises(ValueError, match="along a row"):
        drawing(PICTURE + "  - [look, answer]\n")


def test_an_arrow_from_nowhere_is_refused() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        drawing(PICTURE + "  - [nowhere, answer]\n")

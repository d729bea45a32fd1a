"""Items of tables that share what repeats: they read as before."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headway.cloud.patches.shared_values import LONGEST_CHARS, SharedValues

SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(max_size=LONGEST_CHARS + 5)),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.just({"NULL": True}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3)),
        st.builds(lambda fields: {"M": fields}, st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    ),
    max_leaves=4,
)


def received(vendor: str, **values: Any) -> dict[str, Any]:
    """Return an item as it comes with a request: every text in it is new."""
    item: dict[str, Any] = json.loads(json.dumps({"vendor": {"S": vendor}, **values}))
    return item


@given(items=st.lists(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=4), max_size=6))
def test_an_item_reads_as_before(items: list[dict[str, Any]]) -> None:
    shared = SharedValues(kept_count=3)
    assert [shared.item(item) for item in items] == items


def test_names_and_values_that_repeat_are_the_same_objects() -> None:
    shared = SharedValues()
    first, second = shared.item(received("replicate")), shared.item(received("replicate"))
    assert first["vendor"] is second["vendor"]
    assert next(iter(first)) is next(iter(second))


def test_what_can_be_changed_in_its_place_is_nobody_elses() -> None:
    shared = SharedValues()
    changeable = {"fields": {"M": {}}, "values": {"L": []}, "words": {"SS": ["a"]}, "text": {"S": 101 * "x"}}
    first, second = shared.item(received("replicate", **changeable)), shared.item(received("replicate", **changeable))
    assert not any(first[name] is second[name] for name in changeable)


def test_a_value_of_another_type_is_another_value() -> None:
    shared = SharedValues()
    shared.item({"flag": {"BOOL": True}})
    assert shared.item({"number": {"N": "1"}, "null": {"NULL": True}, "text": {"S": "1"}}) == {
        "number": {"N": "1"},
        "null": {"NULL": True},
        "text": {"S": "1"},
    }

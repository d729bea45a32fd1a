"""Reading: the same values as the libraries read, and the place of each."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headway.asl.reading import Unreadable, read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from((None, 2, "\t")))
def test_json_is_what_json_says(value: Any, indent: Any) -> None:
    assert read(json.dumps(value, indent=indent), yaml=False).value == value


def test_everything_has_its_place_in_both_languages() -> None:
    for text, is_yaml in (('{\n "a": {"b": [1,\n   {"c": 2}]}\n}', False), ("a:\n  b:\n    - 1\n    - c: 2\n", True)):
        found = read(text, yaml=is_yaml)
        assert found.value == {"a": {"b": [1, {"c": 2}]}}
        assert found.place(("a", "b", 1, "c")) == ((3, 5) if not is_yaml else (4, 7))
        assert found.place(("a", "b", 1, "c", "nothing")) == found.place(("a", "b", 1, "c"))


@pytest.mark.parametrize(
    ("text", "is_yaml", "place"),
    [('{"a": 1,\n "b": 2,\n "a": 3}', False, (3, 2)), ("a: 1\nb: 2\na: 3\n", True, (3, 1))],
)
def test_a_key_that_stands_twice_is_told(text: str, is_yaml: bool, place: tuple[int, int]) -> None:
    found = read(text, yaml=is_yaml)
    assert (found.value["a"], found.twice) == (3, [(("a",), place)])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, 1)),
        ('{"a": 1,}', (1, 9)),
        ('{"a": 1\n "b": 2}', (2, 2)),
        ('{"a" 1}', (1, 6)),
        ('["a', (1, 2)),
        ("[1] 2", (1, 5)),
        ("[01]", (1, 3)),
        ("[" * 500, (1, 202)),
        ("{'a': 1}", (1, 2)),
    ],
)
def test_what_is_no_json_is_told_by_its_place(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text, yaml=False)
    assert caught.value.place == place


@pytest.mark.parametrize("text", ["a: [", "a: 'b", "%", "a: &x [*x]", "? {b: 1}\n: 2\n: 3"])
def test_what_is_no_yaml_is_told(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text, yaml=True)


def test_yaml_is_what_yaml_says_but_for_dates_and_tags_of_cloudformation() -> None:
    text = "base: &b {x: 1, y: [true, null, 1.5]}\nother: {<<: *b, x: 2}\n1: one\n'on': yes\n"
    assert read(text, yaml=True).value == {**yaml.safe_load(text.replace("\n1:", "\n'1':"))}
    tagged = "a: !Sub 'x-${Y}'\nb: !GetAtt F.Arn\nc: !Ref T\nd: 2024-01-01T00:00:00Z\ne: !FindInMap [A, B]\n"
    assert read(tagged, yaml=True).value == {
        "a": "x-${Y}",
        "b": "${F.Arn}",
        "c": "${T}",
        "d": "2024-01-01T00:00:00Z",
        "e": "${!FindInMap}",
    }

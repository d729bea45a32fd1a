from hypothesis import given, settings
from hypothesis import strategies as st

from headway.run.due import Due

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "take"]), st.integers(0, 5), st.integers(0, 50)), max_size=300
)


def test_who_is_due_first_comes_first_and_nobody_comes_early() -> None:
    due: Due[str] = Due()
    for key, due_s in (("c", 3.0), ("a", 1.0), ("b", 1.0), ("late", 9.0)):
        due.put(key, due_s)
    assert list(due.take(5, most=2)) == ["a", "b"]
    assert list(due.take(5, most=2)) == ["c"]
    assert len(due) == 1


@settings(deadline=None)
@given(steps=STEPS)
def test_it_is_a_map_from_keys_to_times_however_often_they_are_set_anew(steps: list[tuple[str, int, int]]) -> None:
    due, model = Due[int](), dict[int, float]()
    for what, key, number in steps:
        if what == "put":
            due.put(key, number)
            model[key] = number
        elif what == "drop":
            due.drop(key)
            model.pop(key, None)
        else:
            taken = due.take(number, most=key)
            expected = sorted(at for at in model.values() if at <= number)[:key]
            assert list(taken.values()) == expected
            for each in taken:
                assert model.pop(each) == taken[each]
        assert len(due) == len(model)

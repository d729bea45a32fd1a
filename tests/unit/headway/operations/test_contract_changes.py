"""What a changed contract needs before it is deployed."""

from typing import Any

import pytest
from headway_cdk.configuration import schema

from headway.operations.contract_changes import FIELDS, Need, change_of
from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT


@pytest.mark.parametrize(
    ("changes", "fields", "need"),
    [
        ({"limits": []}, ("limits",), Need.NOTHING),
        ({"waits": {**VENDOR_DOCUMENT["waits"], "answer_s": 1}}, ("waits.answer_s",), Need.NOTHING),
        ({"submit": {**VENDOR_DOCUMENT["submit"], "path": "/v2"}}, ("submit.path",), Need.PAUSE),
        ({"submit": {**VENDOR_DOCUMENT["submit"], "job_id": "x"}}, ("submit.job_id",), Need.DRAIN),
        ({"limits": [], "result": {}}, ("limits", "result.path", "result.timeout_s"), Need.DRAIN),
        ({"unheard_of": 1}, ("unheard_of",), Need.DRAIN),
    ],
)
def test_the_strictest_field_decides(changes: dict[str, Any], fields: tuple[str, ...], need: Need) -> None:
    found = change_of("acme", VENDOR_DOCUMENT, {**VENDOR_DOCUMENT, **changes})
    assert found is not None
    assert found.need is need
    assert set(found.fields) >= set(fields[:1])


def test_a_contract_that_says_the_same_needs_nothing() -> None:
    assert change_of("acme", VENDOR_DOCUMENT, dict(VENDOR_DOCUMENT)) is None


def test_a_change_is_said_with_the_commands() -> None:
    found = change_of("acme", VENDOR_DOCUMENT, {**VENDOR_DOCUMENT, "base_url": "https://other.example"})
    assert str(found) == ("acme: the contract changes in base_url: `headway pause acme`, deploy, `headway resume acme`")


def test_every_field_of_a_contract_is_judged() -> None:
    assert {name for name in FIELDS if "." not in name} == set(schema("vendor")["properties"]) - {"vendor"}

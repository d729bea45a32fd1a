"""What functions need, as data: each follows from the contract."""

from typing import Any

import pytest
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.callback.needs import callback
from headway_lane.caller.needs import caller
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.needs import dispatcher
from headway_lane.results.needs import results
from headway_lane.runtime.needs import Resource, may

SUCCESS, FAILURE, BEAT = "states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"
READ, WRITE, CHANGE = "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"
PLAIN = {"dispatch": {"pacing": "delay"}}
SUBMITS_COUNTED = {"limits": [{"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"}]}


def preset(name: str, **changed: Any) -> Vendor:
    return Vendor.from_document({**load_contract(CONFIGURATION / "presets" / f"{name}.yaml"), **changed})


def test_the_actions_on_a_resource_are_one_list_whichever_needs_they_come_from() -> None:
    needs = may(Resource.JOBS, READ) | may(Resource.CALLS, WRITE) | may(Resource.JOBS, CHANGE)
    assert needs.actions_on(Resource.JOBS) == (READ, CHANGE)
    assert needs.actions_on(Resource.BUDGETS) == ()


@pytest.mark.parametrize(
    ("name", "by_callback", "by_caller"),
    [
        ("generic", (SUCCESS, FAILURE, BEAT), (SUCCESS, FAILURE, BEAT)),
        ("assemblyai", (SUCCESS, FAILURE), (SUCCESS, FAILURE, BEAT)),
        ("deepgram", (SUCCESS,), (SUCCESS, BEAT)),
    ],
)
def test_a_task_is_failed_or_kept_alive_by_words_that_the_vendor_has(
    name: str, by_callback: tuple[str, ...], by_caller: tuple[str, ...]
) -> None:
    vendor = preset(name)
    assert callback(vendor).needs.actions_on(Resource.WAITING_TASKS) == by_callback
    assert caller(vendor).needs.actions_on(Resource.WAITING_TASKS) == by_caller, "it asks whether anybody waits"


@pytest.mark.parametrize(("changed", "reserving"), [({}, {READ, WRITE, CHANGE}), (PLAIN, {READ, CHANGE})])
def test_a_caller_reserves_where_permits_pace_it_and_takes_in_flight_permits_in_any_case(
    changed: dict[str, Any], reserving: set[str]
) -> None:
    assert set(caller(preset("deepgram", **changed)).needs.actions_on(Resource.BUDGETS)) == reserving


def test_a_dispatcher_by_plain_pacing_sees_who_holds_in_flight_permits_and_reserves_nothing() -> None:
    assert set(dispatcher(preset("deepgram", **PLAIN)).needs.actions_on(Resource.BUDGETS)) == {READ}


def test_results_are_fetched_without_reservations_where_no_limit_counts_polls() -> None:
    assert set(results(preset("generic")).needs.actions_on(Resource.BUDGETS)) == {READ, WRITE}
    assert results(preset("generic", **SUBMITS_COUNTED)).needs.actions_on(Resource.BUDGETS) == ()

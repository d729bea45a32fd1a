"""The contract: dotted paths, and numbers that have to agree with one another whatever the vendor sells."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract import paths
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.fences import HEADROOM_LIMIT_US, UNCOUNTED, Fence
from headway_lane.contract.limits import BURST_FACTOR, LEAST_WINDOW_S, LONG_WINDOW_S, Scope
from headway_lane.contract.timing import LONGEST_DELAY_S, LONGEST_REQUEUE_S, MARGIN_S, TURN_PATIENCE_S
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.rule import rule_of
from headway_lane.vendor_api.attempt import BUDGET_S, LONGEST_PAUSE_S
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from tests.unit.headway_lane.fakes import ASKING, VENDOR_DOCUMENT, vendor_of

SCHEMA = CONFIGURATION / "vendor.schema.json"
WAITS_S = st.integers(min_value=1, max_value=30 * 24 * 3600)
TIMEOUTS_S = st.floats(min_value=0.1, max_value=29)
AMOUNTS = st.integers(min_value=2, max_value=100_000)
PERIODS_S = st.floats(min_value=LEAST_WINDOW_S, max_value=86_400)


def limit(amount: int, per_s: float, scope: str = "submit") -> dict[str, Any]:
    return {"quantity": "calls", "amount": amount, "per_s": per_s, "scope": scope}


def plain(limits: list[dict[str, Any]]) -> Vendor:
    return vendor_of({"limits": limits, "dispatch.pacing": Pacing.DELAY})


def test_the_contract_of_these_tests_satisfies_the_schema() -> None:
    Draft4Validator(json.loads(SCHEMA.read_text())).validate(VENDOR_DOCUMENT)


def test_what_a_contract_may_leave_out_has_a_default() -> None:
    document = json.loads(json.dumps(VENDOR_DOCUMENT))
    for section, field in (("submit", "fields"), ("callback", "progress")):
        del document[section][field]
    del document["credential"]
    vendor = Vendor.from_document(document)
    assert vendor.callback is not None
    assert (vendor.credential, vendor.submit.fields, vendor.submit.idempotency_header) == (None, {}, None)
    assert vendor.callback.progress == frozenset()
    dispatch = vendor.dispatch
    assert (dispatch.interval_minutes, dispatch.pacing, dispatch.direct) == (1, Pacing.PERMITS, False)


@given(tolerated_s=WAITS_S, answer_s=WAITS_S)
def test_the_heartbeat_is_always_shorter_than_the_timeout(tolerated_s: int, answer_s: int) -> None:
    vendor = vendor_of({"waits.tolerated_s": tolerated_s, "waits.answer_s": answer_s})
    assert max(tolerated_s, answer_s) < vendor.call_heartbeat_s < vendor.call_timeout_s
    assert vendor.call_timeout_s < vendor.workflow_timeout_s < vendor.record_ttl_s / 2


@given(limits=st.lists(st.tuples(AMOUNTS, PERIODS_S), min_size=1, max_size=4))
def test_where_plain_pacing_leans_on_the_fence_it_never_lets_more_than_any_of_the_limits_through(
    limits: list[tuple[int, float]],
) -> None:
    fence = plain([limit(amount, per_s) for amount, per_s in limits]).fence(Scope.SUBMIT)
    assert fence is not None
    assert fence.burst_count >= 1
    for amount, per_s in limits:
        assert fence.rate_per_s * per_s + fence.burst_count <= amount * (1 + 1e-9)


@given(limits=st.lists(st.tuples(AMOUNTS, PERIODS_S), min_size=1, max_size=4))
def test_a_fence_around_permits_never_holds_up_their_bursts_and_is_bounded_by_every_limit(
    limits: list[tuple[int, float]],
) -> None:
    vendor = vendor_of({"limits": [limit(amount, per_s) for amount, per_s in limits]})
    fence = vendor.fence(Scope.SUBMIT)
    assert fence is not None
    fastest_per_s = 1_000_000 / rule_of(vendor.limits_of(Scope.SUBMIT), headroom_us=0).emission_interval_us
    assert fence.rate_per_s >= fastest_per_s * (1 - 1e-9)
    assert fence.burst_count <= 1 + math.ceil(fence.rate_per_s * HEADROOM_LIMIT_US / 1_000_000)
    for amount, per_s in limits:
        assert fence.rate_per_s * per_s <= amount * (BURST_FACTOR if per_s >= LONG_WINDOW_S else 1) * (1 + 1e-9)


@given(per_s=PERIODS_S)
def test_a_fence_around_a_single_call_still_lets_calls_through(per_s: float) -> None:
    assert plain([limit(1, per_s)]).fence(Scope.SUBMIT) == Fence(0.5 / per_s, 1)
    long = per_s >= LONG_WINDOW_S
    permits = Fence(1 / per_s * BURST_FACTOR, 2) if long else Fence(1 / per_s, 1)
    assert vendor_of({"limits": [limit(1, per_s)]}).fence(Scope.SUBMIT) == permits


def test_a_quota_beside_a_rate_does_not_narrow_the_fence_around_permits() -> None:
    limits = [limit(20, 1), limit(300, 60)]
    assert vendor_of({"limits": limits}).fence(Scope.SUBMIT) == Fence(20, 5)
    assert plain(limits).fence(Scope.SUBMIT) == Fence(4, 4)


def test_a_scope_that_no_limit_counts_has_no_fence_and_no_ceiling() -> None:
    vendor = vendor_of()
    assert vendor.fence(Scope.POLL) is None
    assert vendor.max_rps(Scope.POLL) == math.inf


def test_the_tightest_limit_of_a_scope_is_the_ceiling() -> None:
    vendor = vendor_of({"limits": [limit(20, 1), limit(600, 60), limit(3, 1, "poll")]})
    assert (vendor.max_rps(Scope.SUBMIT), vendor.max_rps(Scope.POLL)) == (10, 3)


@pytest.mark.parametrize(
    ("limits", "tolerated_s", "count"),
    [([limit(10, 1)], 300, 3_000), ([limit(20, 1), limit(600, 60)], 30, 300), ([limit(1, 60)], 90, 1)],
)
def test_the_soft_limit_is_what_the_contract_serves_while_a_call_may_wait(
    limits: list[dict[str, Any]], tolerated_s: int, count: int
) -> None:
    assert vendor_of({"limits": limits, "waits.tolerated_s": tolerated_s}).soft_limit_count == count


@given(timeout_s=TIMEOUTS_S)
def test_a_functions_timeout_covers_its_budget_a_wait_for_a_slot_and_a_last_attempt(timeout_s: float) -> None:
    vendor = vendor_of({"submit.timeout_s": timeout_s, "result.timeout_s": timeout_s})
    last_s = TURN_PATIENCE_S + timeout_s
    assert BUDGET_S + LONGEST_PAUSE_S + last_s < vendor.caller_timeout_s
    assert last_s < vendor.results_timeout_s, "one attempt at a time"
    assert PATIENCE_US == TURN_PATIENCE_S * 1_000_000


@given(result_s=st.integers(min_value=2, max_value=100_000), timeout_s=TIMEOUTS_S)
def test_a_result_is_waited_for_as_long_as_the_contract_says_and_its_heartbeat_is_the_shorter(
    result_s: int, timeout_s: float
) -> None:
    vendor = vendor_of({"waits.result_s": result_s, "result.timeout_s": timeout_s})
    assert result_s < vendor.fetch_timeout_s
    assert 0 < vendor.fetch_heartbeat_s < vendor.fetch_timeout_s
    silence_s = LONGEST_REQUEUE_S + vendor.results_timeout_s
    assert vendor.fetch_heartbeat_s > silence_s or vendor.fetch_heartbeat_s == result_s
    assert vendor.workflow_timeout_s > vendor.call_timeout_s + vendor.fetch_timeout_s


def test_a_result_is_waited_for_for_an_hour_where_the_contract_says_nothing() -> None:
    assert vendor_of().waits.result_s == 3_600


@pytest.mark.parametrize(
    ("amount", "changes", "count"),
    [(10, {}, 100), (1, {"result.timeout_s": 0.5}, 2), (500, {}, 1_000), (30, {"result": {"source": "callback"}}, 30)],
)
def test_as_many_results_functions_run_as_fetch_all_results_at_the_contracts_pace(
    amount: int, changes: dict[str, Any], count: int
) -> None:
    assert vendor_of({"limits": [limit(amount, 1)], **changes}).results_concurrency == count


@given(submit_s=TIMEOUTS_S, lookup_s=TIMEOUTS_S)
def test_a_callers_timeout_covers_a_lookup_in_the_place_of_its_last_submit(submit_s: float, lookup_s: float) -> None:
    vendor = vendor_of({**ASKING, "submit.timeout_s": submit_s, "submit.lookup.timeout_s": lookup_s})
    last_s = TURN_PATIENCE_S + max(submit_s, lookup_s)
    assert BUDGET_S + LONGEST_PAUSE_S + last_s < vendor.caller_timeout_s


@given(batch_size=st.integers(min_value=1, max_value=10), window_s=st.integers(min_value=0, max_value=300))
def test_a_message_stays_hidden_for_longer_than_its_dispatcher_may_run(batch_size: int, window_s: int) -> None:
    changes = {"dispatch.batch_size": batch_size, "dispatch.batching_window_s": window_s}
    for pacing in Pacing:
        vendor = vendor_of(changes | {"dispatch.pacing": pacing})
        assert vendor.request_visibility_s == 6 * vendor.dispatcher_timeout_s + window_s


@given(batch_size=st.integers(min_value=1, max_value=10))
def test_where_an_operator_may_set_the_longest_delay_a_dispatcher_may_run_for_a_batch_of_them(batch_size: int) -> None:
    vendor = vendor_of({"dispatch.batch_size": batch_size, "dispatch.pacing": Pacing.DELAY})
    assert batch_size * LONGEST_DELAY_S < vendor.dispatcher_timeout_s <= 900


@given(
    batch_size=st.integers(min_value=1, max_value=10),
    maximum_concurrency=st.integers(min_value=2, max_value=100),
    amount=st.integers(min_value=1, max_value=100),
)
def test_with_permits_a_dispatcher_may_run_for_its_batch_at_the_contracts_pace_shared_with_all_the_others(
    batch_size: int, maximum_concurrency: int, amount: int
) -> None:
    changes = {
        "limits": [limit(amount, 1)],
        "dispatch.batch_size": batch_size,
        "dispatch.maximum_concurrency": maximum_concurrency,
    }
    timeout_s = vendor_of(changes).dispatcher_timeout_s
    assert timeout_s == min(900, math.ceil(batch_size * maximum_concurrency / amount) + MARGIN_S)


def test_a_contract_that_says_nothing_of_urgent_calls_has_two_dispatchers_for_them() -> None:
    dispatch = {key: value for key, value in VENDOR_DOCUMENT["dispatch"].items() if key != "urgent_concurrency"}
    vendor = vendor_of({"dispatch": dispatch})
    assert (vendor.dispatch.urgent_concurrency, vendor.dispatch.dispatchers_count) == (2, 4)


@pytest.mark.parametrize(("urgent_concurrency", "limit_count"), [(0, 0), (2, 1_500), (4, 2_000)])
def test_the_soft_limit_of_urgent_calls_is_their_dispatchers_share(urgent_concurrency: int, limit_count: int) -> None:
    vendor = vendor_of({"dispatch.urgent_concurrency": urgent_concurrency})
    assert (vendor.soft_limit_count, vendor.urgent_limit_count) == (3_000, limit_count)
    more = vendor.dispatch.batch_size * urgent_concurrency / vendor.max_rps(Scope.SUBMIT)
    assert vendor.dispatcher_timeout_s == vendor_of().dispatcher_timeout_s + more


@pytest.mark.parametrize(
    ("path", "value"),
    [("id", 1), ("data.object.id", "x"), ("data", {"object": {"id": "x"}}), ("no", None), ("data.no.id", None)],
)
def test_a_path_reads_what_is_there_and_none_where_the_way_ends(path: str, value: Any) -> None:
    assert paths.read({"id": 1, "data": {"object": {"id": "x"}}}, path) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.0.id", "x"),
        ("data.1.0", "y"),
        ("data.2", None),
        ("data.2.id", None),
        ("data.-1", None),
        ("data.id", None),
        ("data.0.0", None),
        ("data.\u00b2", None),
        ("7", "seven"),
    ],
)
def test_a_number_is_a_place_in_a_list_and_a_name_in_an_object(path: str, value: Any) -> None:
    assert paths.read({"data": [{"id": "x"}, ["y"]], "7": "seven"}, path) == value


@pytest.mark.parametrize("document", [None, [], "id", 1])
def test_a_document_that_is_no_object_has_nothing_at_any_path(document: Any) -> None:
    assert paths.read(document, "id") is None
    assert paths.read({"data": document}, "data.id") is None


@given(st.lists(st.text(st.characters(exclude_characters="."), max_size=3), min_size=1, max_size=4).map(".".join))
def test_what_is_written_at_a_path_is_read_there(path: str) -> None:
    assert paths.read(paths.write({}, path, "x"), path) == "x"


def test_writing_keeps_the_original_and_everything_beside_the_path() -> None:
    original: dict[str, Any] = {"a": {"b": 1}, "c": 2}
    assert paths.write(original, "a.d.e", 3) == {"a": {"b": 1, "d": {"e": 3}}, "c": 2}
    assert original == {"a": {"b": 1}, "c": 2}


@pytest.mark.parametrize("inner", [None, 1, "x", []])
def test_writing_through_something_that_is_no_object_is_refused(inner: Any) -> None:
    with pytest.raises(ValueError, match=r"`a` is not an object, so `a\.b` cannot be written"):
        paths.write({"a": inner}, "a.b", 1)


SHARED = [limit(20, 1), limit(600, 60, "any"), limit(5, 1, "poll")]


def test_a_limit_on_any_calls_binds_both_scopes() -> None:
    vendor = vendor_of({"limits": SHARED})
    assert [limit.amount for limit in vendor.limits_of(Scope.SUBMIT)] == [20, 600]
    assert [limit.amount for limit in vendor.limits_of(Scope.POLL)] == [600, 5]
    assert [limit.amount for limit in vendor.limits_of(Scope.ANY)] == [20, 600, 5]
    assert (vendor.max_rps(Scope.SUBMIT), vendor.max_rps(Scope.POLL), vendor.max_rps(Scope.ANY)) == (10, 5, 5)
    assert vendor.fence(Scope.SUBMIT) == Fence(20, 5)  # the quota is no pace
    assert vendor.fence(Scope.POLL) == Fence(5, 2)


def test_where_both_scopes_share_a_limit_half_of_it_is_left_for_submits_and_the_deadlines_know_it() -> None:
    alone, shared = (vendor_of({"limits": [limit(6, 60, scope)]}) for scope in ("submit", "any"))
    assert (alone.budget_scope(Scope.POLL), shared.budget_scope(Scope.POLL)) == (Scope.POLL, Scope.ANY)
    assert (alone.lasting_rps, shared.lasting_rps) == (0.1, 0.05)
    assert (alone.soft_limit_count, shared.soft_limit_count) == (30, 15)
    assert shared.dispatcher_timeout_s - MARGIN_S == 2 * (alone.dispatcher_timeout_s - MARGIN_S)


def test_of_what_both_scopes_share_a_third_is_left_for_submits_where_nobody_calls_back() -> None:
    silent = replace(vendor_of({"limits": [limit(6, 60, "any")]}), callback=None)
    assert (silent.calls_per_job_count, silent.lasting_rps, silent.soft_limit_count) == (3, 0.1 / 3, 10)
    alone = replace(vendor_of({"limits": [limit(6, 60)]}), callback=None)
    assert alone.lasting_rps == 0.1


def test_polls_that_no_limit_counts_have_the_throttle_of_the_account() -> None:
    assert vendor_of().poll_fence == UNCOUNTED
    assert vendor_of({"limits": SHARED}).poll_fence == Fence(5, 2)


def test_jobs_in_flight_are_no_calls() -> None:
    vendor = vendor_of({"limits": [limit(20, 1), {"quantity": "jobs_in_flight", "amount": 30}]})
    assert vendor.jobs_in_flight == 30
    assert [limit.amount for limit in vendor.limits] == [20]
    assert vendor_of().jobs_in_flight is None


def test_an_in_flight_permit_outlives_the_task_that_waits_for_its_job() -> None:
    vendor = vendor_of()
    assert vendor.in_flight_expiry_s > vendor.call_timeout_s

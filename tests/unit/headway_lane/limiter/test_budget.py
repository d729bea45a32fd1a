"""One budget shared by many dispatchers: the same contract on the in-memory and the DynamoDB store."""

import itertools
import json
from collections.abc import Iterator

import boto3
import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter import tables
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.changes import LONGEST_BACKOFF_US, RACE_ATTEMPTS, Changes, Contended
from headway_lane.limiter.core.reservations import no_reservations
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import Entry
from headway_lane.limiter.reservation_store import BudgetAttribute, DynamoReservationStore
from headway_lane.limiter.runner import ReservationStore
from headway_lane.runtime.names import Environment
from moto import mock_aws

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, RepeatingTable, VirtualClock, vendor_of
from tests.unit.headway_lane.memory_stores import MemoryReservationStore, budgets_table

RULE = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)
NOW_US = 1_000_000_000
SLOWER = rule_of([Limit(10, 1, Scope.SUBMIT), Limit(300, 60, Scope.SUBMIT)], 15_000)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[ReservationStore]:
    if request.param == "memory":
        yield MemoryReservationStore()
        return
    with budgets_table() as table:
        yield DynamoReservationStore(table)


def budget(store: ReservationStore, clock: VirtualClock, rule: Rule = RULE) -> Budget:
    return Budget(store, Changes("replicate#submit", rule, clock.epoch_us))


def test_two_dispatchers_never_get_the_same_slot(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    one, other = budget(store, clock), budget(store, clock)
    slots = [permit.slot_us for _ in range(3) for reserver in (one, other) for permit in reserver.reserve(10, 0)]
    assert slots == sorted(slots)
    assert min(later - earlier for earlier, later in itertools.pairwise(slots)) >= RULE.emission_interval_us


def test_a_reservations_survives_the_store_unchanged(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    [first, *_] = budget(store, clock).reserve(27, 0)
    budget(store, clock).answered(first, first.slot_us + 300_000)
    budget(store, clock).answered(first, first.slot_us + 900_000)
    budget(store, clock).cool_down(3_000_000, Reason.RATE_LIMIT_HEADER)
    for number in range(6):
        budget(store, clock).failed(first, f"call-{number}")
    entry = store.read("replicate#submit")
    assert entry is not None
    assert entry.standing
    assert store.write("replicate#submit", entry._replace(version=entry.version + 1))
    assert store.read("replicate#submit") == entry._replace(version=entry.version + 1)


def test_a_reservations_that_was_written_before_there_were_circuits_is_read() -> None:
    with mock_aws():
        table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="Budgets",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        store = DynamoReservationStore(table)
        budget(store, VirtualClock(NOW_US)).reserve(3, 0)
        written = store.read("replicate#submit")
        item = table.get_item(Key={BudgetAttribute.BUDGET: "replicate#submit"})["Item"]
        added = ("cool_down_until_us", "cool_down_reason", "circuit")
        old = {name: value for name, value in json.loads(str(item["reservations"])).items() if name not in added}
        table.put_item(Item={**item, "reservations": json.dumps(old)})
        assert store.read("replicate#submit") == written


@pytest.mark.parametrize("reason", Reason)
def test_a_cool_down_says_why(store: ReservationStore, reason: Reason) -> None:
    clock = VirtualClock(NOW_US)
    assert budget(store, clock).cool_down(3_000_000, reason)
    assert not budget(store, clock).cool_down(3_000_000, reason)
    reservations = budget(store, clock).look()
    assert (reservations.cool_down_until_us, reservations.cool_down_reason) == (NOW_US + 3_000_000, reason)


def test_a_write_over_a_version_that_is_gone_is_refused(store: ReservationStore) -> None:
    budget(store, VirtualClock(NOW_US)).reserve(1, 0)
    entry = store.read("replicate#submit")
    assert entry is not None
    assert not store.write("replicate#submit", entry)


def test_a_write_whose_response_was_lost_is_ones_own_once_the_request_is_repeated() -> None:
    with budgets_table() as table:
        behind = DynamoReservationStore(RepeatingTable(table).table())
        entry = Entry(1, RULE, no_reservations(RULE))
        assert behind.write("acme#submit", entry) is True
        assert DynamoReservationStore(table).write("acme#submit", entry) is False, (
            "somebody else's write of the same version"
        )
        assert behind.read("acme#submit") == entry


def test_a_cool_down_stops_everybody_and_is_not_doubled_by_a_second_answer_of_the_same_trouble(
    store: ReservationStore,
) -> None:
    clock = VirtualClock(NOW_US)
    one, other = budget(store, clock), budget(store, clock)
    one.reserve(10, 0)
    one.cool_down(5_000_000)
    clock.now_us += 100_000
    other.cool_down(5_000_000)
    assert other.look().generation == 1
    assert other.reserve(1, 0)[0].slot_us >= clock.now_us - 100_000 + 5_000_000


def test_a_slower_rule_waits_a_window_before_it_begins_and_a_faster_one_begins_at_once(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    last = budget(store, clock).reserve(10, 0)[-1]
    first = budget(store, clock, SLOWER).reserve(1, 0)[0]
    assert first.slot_us >= clock.now_us + SLOWER.forget_us
    assert first.generation == last.generation + 1
    clock.now_us = first.slot_us
    assert budget(store, clock).reserve(1, 0)[0].slot_us < clock.now_us + 500_000


def test_permits_that_are_given_back_are_the_next_to_be_reserved(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    one, other = budget(store, clock), budget(store, clock)
    permits = one.reserve(10, 0)
    one.cancel(permits[6:])
    assert other.reserve(4, 0) == permits[6:]
    one.cancel(permits[2:6])
    assert other.reserve(1, 0)[0].number == 10


def test_a_late_call_keeps_everybody_away_from_its_window(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    one, other = budget(store, clock), budget(store, clock)
    [permit] = one.reserve(1, 0)
    one.answered(permit, permit.slot_us + 700_000)
    assert other.reserve(20, 0)[-1].slot_us == permit.slot_us + 1_700_000


def test_only_what_leaves_within_the_horizon_is_reserved(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    one = budget(store, clock)
    lead_us, horizon_us = 500_000, 600_000
    assert len(one.reserve(10, lead_us, horizon_us)) == 10
    assert one.reserve(10, lead_us, horizon_us) == ()
    assert one.first_free_us() == one.look().theoretical_arrival_us
    clock.now_us = one.first_free_us() - horizon_us - 1
    assert one.reserve(1, lead_us, horizon_us) == ()
    clock.now_us += 1
    [permit] = one.reserve(1, lead_us, horizon_us)
    assert permit.slot_us == clock.now_us + horizon_us


def test_what_is_behind_a_quotas_pause_is_not_within_the_horizon(store: ReservationStore) -> None:
    rule = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(23, 60, Scope.SUBMIT)], 15_000)
    one = budget(store, VirtualClock(NOW_US), rule)
    one.reserve(20, 0)
    assert len(one.reserve(10, 0, 20_000_000)) == 3
    assert one.reserve(10, 0, 20_000_000) == ()
    assert one.look().number == 23
    assert one.first_free_us() >= NOW_US + 60_000_000


def test_a_cool_down_survives_a_change_of_the_rule(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    budget(store, clock).reserve(1, 0)
    budget(store, clock).cool_down(60_000_000)
    for rule in (SLOWER, RULE):
        assert budget(store, clock, rule).reserve(1, 0)[0].slot_us >= NOW_US + 60_000_000


@pytest.mark.parametrize("per_s", [30, 120])
def test_a_quota_whose_window_has_changed_starts_full(store: ReservationStore, per_s: int) -> None:
    clock = VirtualClock(NOW_US)
    budget(store, clock).reserve(300, 0)
    clock.now_us += 20_000_000
    changed = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(300, per_s, Scope.SUBMIT)], 15_000)
    [permit] = budget(store, clock, changed).reserve(1, 0)
    assert permit.slot_us >= clock.now_us + per_s * 1_000_000


def test_a_new_amount_in_the_same_window_keeps_what_was_counted(store: ReservationStore) -> None:
    clock = VirtualClock(NOW_US)
    last = budget(store, clock).reserve(300, 0)[-1]
    clock.now_us = last.slot_us
    more = rule_of([Limit(20, 1, Scope.SUBMIT), Limit(310, 60, Scope.SUBMIT)], 15_000)
    permits = budget(store, clock, more).reserve(11, 0)
    assert permits[9].slot_us < clock.now_us + 5_000_000
    assert permits[10].slot_us >= NOW_US + 60_000_000


def test_a_workers_reservations_are_in_the_table_that_the_stack_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="Budgets",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setenv(Environment.BUDGETS_TABLE, "Budgets")
        store = tables.store.__wrapped__()
        budget(store, VirtualClock(NOW_US)).reserve(1, 0)
        (item,) = boto3.client("dynamodb").scan(TableName="Budgets")["Items"]
        assert item[BudgetAttribute.BUDGET] == {"S": "replicate#submit"}


def test_the_operators_ceiling_is_on_submits_and_a_scope_without_a_limit_has_no_budget() -> None:
    poll = {"quantity": "calls", "amount": 50, "per_s": 1, "scope": "poll"}
    vendor = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], poll]})
    clock, tuning = VirtualClock(NOW_US), Tuning(delay_ms=0, rate_per_s=2, headroom_ms=30)

    def rule(vendor: Vendor, scope: Scope) -> Rule | None:
        made = budget_of(MemoryReservationStore(), vendor, scope, tuning, clock.epoch_us, clock.sleep_us)
        return made.rule if made else None

    submits, polls = rule(vendor, Scope.SUBMIT), rule(vendor, Scope.POLL)
    assert submits is not None
    assert polls is not None
    assert (submits.emission_interval_us, submits.headroom_us) == (515_000, 30_000), (
        "two in any second, headroom and all"
    )
    assert (polls.emission_interval_us, polls.headroom_us) == (22_000, 100_000), (
        "a wide headroom: polls need no last tenth"
    )
    assert rule(vendor_of(), Scope.POLL) is None


def test_where_a_limit_counts_any_calls_both_scopes_share_a_reservations_and_its_rule(store: ReservationStore) -> None:
    limits = [
        {"quantity": "calls", "amount": amount, "per_s": 1, "scope": scope}
        for amount, scope in ((8, "submit"), (20, "any"))
    ]
    vendor, clock = vendor_of({"limits": limits}), VirtualClock(NOW_US)
    tuning = Tuning(delay_ms=0, rate_per_s=1_000)
    submits, polls = (
        budget_of(store, vendor, scope, tuning, clock.epoch_us, clock.sleep_us) for scope in (Scope.SUBMIT, Scope.POLL)
    )
    assert submits is not None
    assert polls is not None
    assert (
        submits.rule
        == polls.rule
        == rule_of(
            vendor.limits,
            tuning.least_headroom_ms * 1_000,
            tuning.rate_per_s,
            skew_us=1_000,
            headroom_limit_us=tuning.headroom_limit_ms * 1_000,
        )
    )
    slots = [permit.slot_us for _ in range(3) for reserver in (submits, polls) for permit in reserver.reserve(5, 0)]
    assert min(later - earlier for earlier, later in itertools.pairwise(slots)) >= submits.rule.emission_interval_us
    assert store.read("acme#calls") is not None
    assert [store.read("acme#submit"), store.read("acme#poll")] == [None, None]


def test_the_operators_rate_holds_for_a_shared_reservations_whoever_reserves() -> None:
    limits = [{"quantity": "calls", "amount": 20, "per_s": 1, "scope": "any"}]
    clock, tuning = VirtualClock(NOW_US), Tuning(delay_ms=0, rate_per_s=2)
    for scope in (Scope.SUBMIT, Scope.POLL):
        made = budget_of(
            MemoryReservationStore(), vendor_of({"limits": limits}), scope, tuning, clock.epoch_us, clock.sleep_us
        )
        assert made is not None
        assert made.rule.emission_interval_us == 507_500, (
            "a rule that changes with the dispatcher would void what others reserved"
        )


def test_a_batch_of_ten_costs_one_write() -> None:
    store = MemoryReservationStore()
    for _ in range(30):
        budget(store, VirtualClock(NOW_US)).reserve(10, 0)
    assert store.write_count / 300 <= 0.1


class Racing(MemoryReservationStore):
    """Another dispatcher writes between every read and write, `races` times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self._races = races

    def read(self, budget: str) -> Entry | None:
        entry = super().read(budget)
        if self._races:
            self._races -= 1
            rival = Budget(_Plain(self.entries), Changes(budget, RULE, VirtualClock(NOW_US).epoch_us))
            rival.reserve(1, 0)
        return entry


class _Plain(MemoryReservationStore):
    def __init__(self, entries: dict[str, Entry]) -> None:
        super().__init__()
        self.entries = entries


def test_a_lost_race_is_repeated_after_a_short_pause() -> None:
    store, clock = Racing(races=3), VirtualClock(NOW_US)
    racer = Budget(store, Changes("replicate#submit", RULE, clock.epoch_us), clock.sleep_us)
    assert len(racer.reserve(5, 0)) == 5
    assert store.write_count == 4
    assert len(clock.slept_us) == 3
    assert all(pause_us <= LONGEST_BACKOFF_US for pause_us in clock.slept_us)


def test_endless_races_end_with_an_error_of_their_own_and_nothing_reserved() -> None:
    store = Racing(races=RACE_ATTEMPTS)
    with pytest.raises(Contended, match="replicate#submit"):
        budget(store, VirtualClock(NOW_US)).reserve(1, 0)

"""The part of the matrix for the embedded cloud, without one: what is aimed at what, and what is judged how."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, cast

import pytest
from headway_cdk.published import PublishedLane
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor

from headway.cloud.faults import Kind as CloudKind
from headway.testing.laboratory import Laboratory
from tests.matrix.cells import Cell, cells, recorded
from tests.matrix.faults import Call, Fault, Kind
from tests.matrix.invariants import Life, broken
from tests.matrix.on_the_cloud.aim import aimed
from tests.matrix.on_the_cloud.course import Ended, Struck
from tests.matrix.on_the_cloud.judgement import LaneState, life_of
from tests.matrix.on_the_cloud.lanes import KINDS, Lane, document
from tests.matrix.on_the_cloud.report import report
from tests.matrix.on_the_cloud.sample import Placed, drawn, sample_of
from tests.matrix.on_the_cloud.story_vendor import Notes
from tests.matrix.stories import STOPPED, Said
from tests.matrix.vendor import Submit

SUBMIT: Final = Call("caller", "vendor.POST", "/live/v1/jobs", 1)
GOOD: Final = Life(
    policy=Ambiguity.REJECT,
    expected=None,
    in_doubt=False,
    ended_us=2_000_000,
    error=None,
    job_id="job-1",
    jobs=["job-1"],
    submits_us=[1_000_000],
    keeps_permit=False,
    dead_letters_in=[],
    jobs_left=["job-1"],
)
NOTHING_LEFT: Final = LaneState(calls={}, holders=frozenset(), dead_letters={})


class KnownLane(Lane):
    """A lane whose resources are named by what they are."""

    @property
    def published(self) -> PublishedLane:
        return cast(PublishedLane, Named())


class Named:
    """Whatever is asked for, its name."""

    call_vendor_machine_arn = "arn:aws:states:us-east-1:000000000000:stateMachine:call-vendor"

    def __getattr__(self, name: str) -> str:
        return name


def lane() -> Lane:
    return KnownLane(cast(Laboratory, None), "limited-reject", Notes())


def placed(call: Call = SUBMIT, kind: Kind = Kind.LOST, policy: Ambiguity = Ambiguity.REJECT) -> Placed:
    return Placed(sample_of(7, Cell(policy, "limited", Fault(call, kind))), lane())


def ended(one: Placed, met_epoch_ms: int | None = 1_000, **execution: Any) -> Ended:
    output = json.dumps({"call_id": one.call_id, "job_id": "job-1"})
    described = {"status": "SUCCEEDED", "output": output, "stopDate": datetime.fromtimestamp(2, tz=UTC), **execution}
    one.lane.notes.submits[one.sample.name] = [Submit(1_000_000, Said.TAKEN)]
    one.lane.notes.jobs[one.sample.name] = ["job-1"]
    return Ended(one, described, Struck(1, met_epoch_ms))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"ended_us": None}, "never ends"),
        ({"error": "States.HeartbeatTimeout"}, "hung"),
        ({"error": "Caller.Crashed", "submits_us": [], "jobs": []}, "crashed with nothing sent"),
        ({"error": "Vendor.Unavailable"}, "ended as Vendor.Unavailable"),
        ({"expected": "Vendor.Rejected"}, "ended as succeeded"),
        ({"job_id": "job-2"}, "another's answer"),
        ({"jobs": ["job-1", "job-2"]}, "doubled"),
        ({"submits_us": [3_000_000]}, "sent for nobody"),
        ({"keeps_permit": True}, "permit kept"),
        ({"error": STOPPED, "expected": STOPPED}, "left at the vendor"),
        ({"dead_letters_in": ["request_dlq"]}, "nobody told of what is in request_dlq"),
    ],
)
def test_each_thing_that_is_broken_has_its_word(change: Mapping[str, Any], word: str) -> None:
    assert list(broken(GOOD)) == []
    assert list(broken(replace(GOOD, **change))) == [word]


def test_only_reject_may_end_a_call_in_doubt() -> None:
    rejected = replace(
        GOOD, error="Vendor.Unavailable", in_doubt=True, keeps_permit=True, dead_letters_in=["request_dlq"]
    )
    assert list(broken(rejected)) == []
    assert list(broken(replace(rejected, policy=Ambiguity.ASK))) == ["ended as Vendor.Unavailable", "permit kept"]


def test_a_fault_is_aimed_at_one_executions_calls_of_its_kind() -> None:
    call = Call("dispatcher", "dynamodb.PutItem", "Calls", 2)
    one = placed(call, Kind.LOST_FOR_GOOD)
    fault = aimed(Fault(call, Kind.LOST_FOR_GOOD), one.lane, one.about, 2)
    assert (fault.service, fault.action, fault.containing) == ("dynamodb", "PutItem", '"calls_table"')
    assert (fault.kind, fault.skip, fault.count, fault.every_attempt) == (CloudKind.CUT, 1, 1, True)
    assert fault.aims_at("dispatcher_function", f"about {one.call_id}")
    assert fault.aims_at("dispatcher_function", '"limited-0007"')
    assert not fault.aims_at("caller_function", '"limited-0007"')
    assert not aimed(Fault(call, Kind.LOST), one.lane, one.about, 2).every_attempt, "the SDK's second attempt goes well"


def test_the_calls_of_every_service_can_be_aimed_at() -> None:
    calls = {call for story in ("limited", "polled", "claimed") for call in recorded(Ambiguity.REJECT, story)}
    services = {aimed(Fault(call, Kind.UNREACHED), lane(), ("a", "b"), 1).service for call in calls}
    assert services == {"appconfig", "dynamodb", "execute-api", "s3", "secretsmanager", "sqs", "states"}


def test_the_same_seed_draws_the_same_and_no_name_is_a_part_of_another() -> None:
    pool = list(cells(Ambiguity.REJECT, "limited"))
    samples = drawn(pool, 100, seed=3)
    assert samples == drawn(pool, 100, seed=3)
    assert samples != drawn(pool, 100, seed=4)
    assert len(samples) == 110
    assert sum(sample.cell is None for sample in samples) == 10
    assert len({sample.name[-4:] for sample in samples}) == len(samples)


@pytest.mark.parametrize("policy", Ambiguity)
@pytest.mark.parametrize("kind", sorted(set(KINDS.values())))
def test_a_lane_has_the_contract_of_its_story_under_its_policy(policy: Ambiguity, kind: str) -> None:
    vendor = Vendor.from_document(document(policy, kind))
    assert vendor.submit.ambiguity is policy
    assert (vendor.jobs_in_flight is not None) == (kind == "limited")
    assert (vendor.poll is not None) == (kind == "polled")


def test_a_call_that_ended_well_has_broken_nothing() -> None:
    assert list(broken(life_of(ended(placed()), NOTHING_LEFT))) == []


def test_the_result_of_another_call_is_seen() -> None:
    other = json.dumps({"call_id": "another", "job_id": "job-1"})
    assert list(broken(life_of(ended(placed(), output=other), NOTHING_LEFT))) == ["another's answer"]


def test_what_is_left_of_a_call_is_found_by_its_name_or_its_id() -> None:
    one = placed()
    left = LaneState({}, frozenset({one.call_id}), {"request_dlq": [one.call_id], "callback_dlq": ["limited-0007"]})
    others = LaneState({}, frozenset({"other"}), {"request_dlq": ["another"], "callback_dlq": ["limited-0008"]})
    assert list(broken(life_of(ended(one), others))) == []
    assert list(broken(life_of(ended(one), left))) == [
        "permit kept",
        "nobody told of what is in request_dlq",
        "nobody told of what is in callback_dlq",
    ]


@pytest.mark.parametrize(
    ("kind", "record", "met_epoch_ms", "in_doubt"),
    [
        (Kind.LOST, {"sending_epoch_ms": "900"}, 1_000, True),
        (Kind.KILLED_AFTER, {"sending_epoch_ms": "900", "accepted_epoch_ms": "1100"}, 1_000, True),
        (Kind.KILLED_AFTER, {"sending_epoch_ms": "900", "accepted_epoch_ms": "950"}, 1_000, False),
        (Kind.KILLED_AFTER, {"sending_epoch_ms": "1100"}, 1_000, False),
        (Kind.KILLED_AFTER, {}, 1_000, False),
        (Kind.LOST, {"sending_epoch_ms": "900"}, None, False),
        (Kind.THROTTLED, {"sending_epoch_ms": "900"}, 1_000, False),
    ],
)
def test_a_call_is_in_doubt_whose_caller_was_struck_while_it_was_sending(
    kind: Kind, record: Mapping[str, str], met_epoch_ms: int | None, in_doubt: bool
) -> None:
    one = placed(kind=kind)
    state = replace(NOTHING_LEFT, calls={one.call_id: record})
    end = ended(one, met_epoch_ms, status="FAILED", error="Vendor.Unavailable")
    assert life_of(end, state).in_doubt is in_doubt
    assert list(broken(life_of(end, state))) == ([] if in_doubt else ["ended as Vendor.Unavailable"])


def test_nobody_is_in_doubt_for_a_fault_of_another_function() -> None:
    one = placed(Call("callback", "dynamodb.UpdateItem", "Calls", 1), Kind.KILLED_AFTER)
    state = replace(NOTHING_LEFT, calls={one.call_id: {"sending_epoch_ms": "900"}})
    assert not life_of(ended(one), state).in_doubt


def test_a_report_names_what_is_red_and_what_was_not_struck() -> None:
    red, missed = ended(placed()), ended(placed(), met_epoch_ms=None)
    text = "\n".join(report([red, missed], {7: ["doubled", "resumed: queued +0.0 s"], -1: ["a dead letter"]}, 60))
    assert (
        "RED limited | reject | caller: vendor.POST /live/v1/jobs #1 | response lost (execution limited-0007)" in text
    )
    assert text.count("not struck: ") == 1
    assert "1 of 2 faults struck; 3 red" in text

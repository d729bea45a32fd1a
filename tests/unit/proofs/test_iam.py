"""The proof of the grants: what it takes for a proof, and when its list of exceptions has rotted."""

from headway_lane.contract.vendor import Vendor

from headway.deployment.contracts import contract_document
from tests.proofs.iam.__main__ import GREEN, LISTED, RED, UNLISTED, complaints_of
from tests.proofs.iam.grants import Grant
from tests.proofs.iam.lanes import LANES
from tests.proofs.iam.unseen import Row, Unseen

HERE = "tests/unit/proofs/test_iam.py"
TRACES = Grant("headway-dev-acme-dispatch", "Policy", "xray:PutTraceSegments", "*")
READS = Grant("headway-dev-acme-caller", "Policy", "dynamodb:GetItem", "arn:table/calls")


def listed(pattern: str, test: str = f"{HERE}::test_the_list_names_tests_that_are_there") -> Unseen:
    return Unseen((Row(pattern, "a reason", test),))


def test_a_row_is_about_the_grants_of_its_pattern() -> None:
    unseen = listed("*-dispatch xray:* *")
    assert unseen.has(TRACES)
    assert not unseen.has(READS)


def test_a_row_that_is_about_no_unseen_grant_any_more_fails_the_proof() -> None:
    unseen = listed("*-caller dynamodb:GetItem *")
    [complaint] = complaints_of({READS: RED}, unseen, whole=True)
    assert "*-caller dynamodb:GetItem *" in complaint
    assert not complaints_of({READS: LISTED}, unseen, whole=True)
    assert not complaints_of({READS: RED}, unseen, whole=False), "who proves fewer cannot judge the list"


def test_what_stays_green_without_a_grant_or_is_not_listed_fails_the_proof() -> None:
    complaints = complaints_of({READS: GREEN, TRACES: UNLISTED}, Unseen(()), whole=True)
    assert [complaint.partition(":")[0] for complaint in complaints] == [GREEN, UNLISTED]


def test_a_row_whose_test_is_gone_fails_the_proof() -> None:
    for test in (f"{HERE}::test_of_nothing", "tests/unit/nowhere.py::test_it"):
        [complaint] = complaints_of({TRACES: LISTED}, listed("*-dispatch xray:* *", test), whole=True)
        assert test in complaint


def test_the_list_names_tests_that_are_there() -> None:
    assert not Unseen.read().without_test()


def test_a_grant_is_of_its_role_its_action_and_its_resource() -> None:
    request = {"principal": READS.role, "action": READS.action, "resource": READS.resource}
    assert READS.allows(request)
    for changed in ({"principal": "other"}, {"action": "dynamodb:PutItem"}, {"resource": "arn:table/jobs"}):
        assert not READS.allows({**request, **changed})


def test_the_lanes_have_between_them_either_way_of_what_grants_depend_on() -> None:
    lanes = [(Vendor.from_document(contract_document(path)), terms) for path, terms in LANES.items()]
    assert {terms.dispatch.get("pacing", "permits") for _, terms in lanes} == {"permits", "delay"}
    assert {bool(vendor.poll) for vendor, _ in lanes} == {True, False}
    assert {bool(vendor.submit.lookup) for vendor, _ in lanes} == {True, False}
    assert {bool(vendor.jobs_in_flight) for vendor, _ in lanes} == {True, False}
    callbacks = [vendor.callback for vendor, _ in lanes]
    assert None in callbacks
    assert {bool(callback.failure) for callback in callbacks if callback} == {True, False}
    assert {bool(callback.progress) for callback in callbacks if callback} == {True, False}
    assert {type(vendor.result).__name__ for vendor, _ in lanes} == {"Fetched", "Delivered"}

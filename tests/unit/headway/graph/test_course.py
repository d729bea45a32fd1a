"""Which way an execution took: by the links between events, and where an engine writes none, by their order."""

from datetime import UTC, datetime

import pytest

from headway.graph.course import End, RunCourse, course, seconds
from headway.graph.machine import EdgeKind, read
from tests.unit.headway.graph.histories import BEGAN_S, Told, failed_shipment, shipment, without_previous


def of(told: Told) -> RunCourse:
    return course(told.events, shipment())


def ways(found: RunCourse) -> dict[tuple[str, str, str], int]:
    return {(edge.source, edge.target, edge.kind): count for edge, count in found.taken.items()}


def test_a_failed_run_is_followed_through_a_map_and_a_parallel() -> None:
    found = course(failed_shipment(), shipment())
    assert (found.status, found.failure and found.failure.error) == ("FAILED", "Order.Failed")
    assert ways(found) == {
        ("ReadOrder", "RouteOrder", EdgeKind.NEXT): 1,
        ("RouteOrder", "ShipLines", EdgeKind.CHOICE): 1,
        ("AskCarrier", "UsePost", EdgeKind.CATCH): 1,
        ("AskCarrier", "Ordered", EdgeKind.NEXT): 1,
        ("Prepare", "Send", EdgeKind.NEXT): 2,
        ("ShipLines", "Refund", EdgeKind.CATCH): 1,
        ("Refund", "OrderFailed", EdgeKind.NEXT): 1,
    }
    ends = {
        name: found.end_of(name) for name in ("ReadOrder", "ShipLines", "Prepare", "AskCarrier", "Send", "OrderFailed")
    }
    assert ends == {
        "ReadOrder": End.DONE,
        "ShipLines": End.CAUGHT,
        "Prepare": End.DONE,
        "AskCarrier": End.CAUGHT,
        "Send": End.FAILED,
        "OrderFailed": End.FAILED,
    }
    assert found.end_of("Remind") is None


def test_attempts_errors_and_times_are_those_of_each_visit() -> None:
    found = course(failed_shipment(), shipment())
    [read_order] = found.visits["ReadOrder"]
    assert (read_order.attempt_count, [failure.error for failure in read_order.failures]) == (
        2,
        ["DynamoDB.ThrottlingException"],
    )
    assert read_order.left_s is not None
    assert read_order.left_s - read_order.entered_s == pytest.approx(0.4)
    assert [visit.attempt_count for visit in found.visits["Send"]] == [1, 3]
    assert found.ended_s is not None
    assert found.ended_s - found.started_s == pytest.approx(24.7)


def test_the_order_of_events_in_a_file_does_not_matter() -> None:
    assert ways(course(reversed(failed_shipment()), shipment())) == ways(course(failed_shipment(), shipment()))


def test_a_way_on_one_level_is_followed_where_no_event_says_what_it_follows_from() -> None:
    told = Told()
    last = told.leave("Task", "ReadOrder", told.fails("ReadOrder", 1, 1.0, "DynamoDB.ResourceNotFoundException"))
    told.add("ExecutionFailed", told.enter("Fail", "OrderUnknown", last), error="Order.Unknown")
    found = course(without_previous(told.events), shipment())
    assert ways(found) == {("ReadOrder", "OrderUnknown", EdgeKind.CATCH): 1}
    assert (found.end_of("ReadOrder"), found.end_of("OrderUnknown")) == (End.CAUGHT, End.FAILED)


def test_a_catch_of_which_no_exit_is_written_ends_its_state() -> None:
    told = Told()
    failed = told.fails("ReadOrder", 1, 1.0, "DynamoDB.ResourceNotFoundException")
    told.enter("Fail", "OrderUnknown", failed)
    [visit] = of(told).visits["ReadOrder"]
    assert (visit.end, visit.left_s) == (End.CAUGHT, BEGAN_S + 1.0)


@pytest.mark.parametrize(("errors", "way"), [((), EdgeKind.NEXT), (("States.Timeout",), EdgeKind.CATCH)])
def test_of_two_ways_to_one_state_the_catch_is_taken_only_after_an_error(
    errors: tuple[str, ...], way: EdgeKind
) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    states = {"A": {"Type": "Task", "Resource": "r", "Next": "B", "Catch": catch}, "B": {"Type": "Succeed"}}
    told = Told()
    ended = told.fails("A", 1, 1.0, *errors) if errors else told.add("TaskSucceeded", told.enter("Task", "A", 1))
    told.enter("Succeed", "B", told.leave("Task", "A", ended))
    assert [edge.kind for edge in course(told.events, read({"StartAt": "A", "States": states}, "f")).taken] == [way]


def test_what_runs_still_is_running() -> None:
    told = Told()
    told.add("TaskScheduled", told.enter("Task", "ReadOrder", 1))
    found = of(told)
    assert (found.status, found.ended_s, found.end_of("ReadOrder")) == ("RUNNING", None, End.RUNNING)


def test_what_was_open_when_somebody_stopped_the_execution_is_stopped() -> None:
    told = Told()
    told.add("ExecutionAborted", told.add("TaskScheduled", told.enter("Task", "ReadOrder", 1)))
    found = of(told)
    assert (found.status, found.failure, found.end_of("ReadOrder")) == ("ABORTED", None, End.STOPPED)


def test_an_execution_out_of_time_says_so() -> None:
    told = Told()
    told.add("ExecutionTimedOut", told.enter("Wait", "Remind", 1), 60.0)
    found = of(told)
    assert (found.status, found.failure and found.failure.error) == ("TIMED_OUT", "States.Timeout")


def test_a_redrive_goes_on_where_the_execution_has_failed() -> None:
    told = Told()
    failed = told.fails("ReadOrder", 1, 1.0, "States.TaskFailed")
    again = told.add("ExecutionRedriven", told.add("ExecutionFailed", failed, error="States.TaskFailed"), 60.0)
    done = told.add("TaskSucceeded", told.add("TaskScheduled", again), 1.0)
    told.add("ExecutionSucceeded", told.leave("Task", "ReadOrder", done))
    found = of(told)
    [visit] = found.visits["ReadOrder"]
    assert (found.status, found.failure, visit.end, visit.attempt_count) == ("SUCCEEDED", None, End.DONE, 2)


def test_what_was_open_beside_a_failed_item_of_a_map_is_stopped() -> None:
    told = Told()
    shipping = told.add("MapStateStarted", told.enter("Map", "ShipLines", 1))
    told.enter("Task", "Send", told.add("MapIterationStarted", shipping))
    stuck = told.fails("Send", told.add("MapIterationStarted", shipping), 1.0, "Carrier.Closed")
    broken = told.add("MapStateFailed", told.add("MapIterationFailed", stuck))
    told.enter("Task", "Refund", told.leave("Map", "ShipLines", broken))
    assert [visit.end for visit in of(told).visits["Send"]] == [End.STOPPED, End.FAILED]


@pytest.mark.parametrize(
    "written", [datetime.fromtimestamp(BEGAN_S, UTC), "2026-09-21T14:13:20Z", "2026-09-21T16:13:20+02:00", BEGAN_S]
)
def test_times_are_read_as_botocore_and_the_aws_cli_write_them(written: object) -> None:
    assert seconds(written) == BEGAN_S

"""A trip is ordered whole or not at all."""

import pytest

from headway.testing.kit.workflow_test import WorkflowTests

TRIP = {"payload": {"trip": "Lisbon"}}
STEPS = ["flight", "hotel", "car"]


def test_a_trip_is_ordered_step_by_step(workflow_test: WorkflowTests) -> None:
    trip = workflow_test("trip")
    voyage = trip.vendor("voyage").answers("ordered")
    run = trip.run(TRIP)
    assert (run.status, run.output) == ("SUCCEEDED", {"flight": "job-1", "hotel": "job-2", "car": "job-3"})
    assert [(call.payload["do"], call.payload["what"]) for call in voyage.calls] == [("order", step) for step in STEPS]


@pytest.mark.parametrize("failing", range(3), ids=STEPS)
def test_a_failure_cancels_exactly_the_steps_before_it_the_last_one_first(
    workflow_test: WorkflowTests, failing: int
) -> None:
    trip = workflow_test("trip")
    voyage = trip.vendor("voyage")
    for _ in range(failing):
        voyage.answers("ordered")
    voyage.fails("sold out").answers("cancelled")
    run = trip.run(TRIP)
    assert (run.status, run.error) == ("FAILED", "Trip.NotOrdered")
    assert "sold out" in (run.cause or "")
    undone = [call.payload for call in voyage.calls if call.payload["do"] == "cancel"]
    ordered = list(enumerate(STEPS[:failing], 1))
    assert undone == [{"do": "cancel", "what": step, "order": f"job-{job}"} for job, step in reversed(ordered)]


def test_what_cannot_be_cancelled_is_said(workflow_test: WorkflowTests) -> None:
    trip = workflow_test("trip")
    trip.vendor("voyage").answers("ordered").fails("sold out").fails("no cancellations")
    run = trip.run(TRIP)
    assert (run.status, run.error) == ("FAILED", "Trip.NotUndone")
    assert "not cancelled: flight job-1" in (run.cause or "")

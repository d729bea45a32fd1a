"""A trip is booked whole or not at all."""

import pytest

from headway.testing.kit.workflow_test import WorkflowTests

TRIP = {"payload": {"trip": "Lisbon"}}
STEPS = ["flight", "hotel", "car"]


def test_a_trip_is_booked_step_by_step(workflow_test: WorkflowTests) -> None:
    trip = workflow_test("trip")
    voyage = trip.vendor("voyage").answers("booked")
    run = trip.run(TRIP)
    assert (run.status, run.output) == ("SUCCEEDED", {"flight": "job-1", "hotel": "job-2", "car": "job-3"})
    assert [(call.payload["do"], call.payload["what"]) for call in voyage.calls] == [("book", step) for step in STEPS]


@pytest.mark.parametrize("failing", range(3), ids=STEPS)
def test_a_failure_cancels_exactly_the_steps_before_it_the_last_one_first(
    workflow_test: WorkflowTests, failing: int
) -> None:
    trip = workflow_test("trip")
    voyage = trip.vendor("voyage")
    for _ in range(failing):
        voyage.answers("booked")
    voyage.fails("sold out").answers("cancelled")
    run = trip.run(TRIP)
    assert (run.status, run.error) == ("FAILED", "Trip.NotBooked")
    assert "sold out" in (run.cause or "")
    undone = [call.payload for call in voyage.calls if call.payload["do"] == "cancel"]
    booked = list(enumerate(STEPS[:failing], 1))
    assert undone == [{"do": "cancel", "what": step, "booking": f"job-{job}"} for job, step in reversed(booked)]


def test_what_cannot_be_cancelled_is_said(workflow_test: WorkflowTests) -> None:
    trip = workflow_test("trip")
    trip.vendor("voyage").answers("booked").fails("sold out").fails("no cancellations")
    run = trip.run(TRIP)
    assert (run.status, run.error) == ("FAILED", "Trip.NotUndone")
    assert "not cancelled: flight job-1" in (run.cause or "")

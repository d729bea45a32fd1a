"""A job of many hours may take as long as it goes on."""

from headway.testing.kit.workflow_test import WorkflowTests

HOUR_S = 3_600
CORPUS = {"payload": {"data": "s3://corpus/2026"}}


def test_a_job_that_goes_on_may_take_a_day(workflow_test: WorkflowTests) -> None:
    test = workflow_test("train")
    test.vendor("forge").answers("model-1", after_s=24 * HOUR_S, progress_every_s=HOUR_S / 2)
    run = test.run(CORPUS)
    assert (run.status, run.output, run.took_s) == ("SUCCEEDED", {"model": "model-1"}, 24 * HOUR_S)


def test_silence_is_a_timeout_and_another_attempt_at_the_same_call(workflow_test: WorkflowTests) -> None:
    test = workflow_test("train")
    forge = test.vendor("forge").never_answers().answers("model-1", after_s=HOUR_S / 2)
    run = test.run(CORPUS)
    assert (run.status, run.output) == ("SUCCEEDED", {"model": "model-1"})
    first, second = (call.message["call"] for call in forge.calls)
    assert first == second
    assert HOUR_S < run.took_s < 2 * HOUR_S


def test_a_job_that_failed_leaves_no_model(workflow_test: WorkflowTests) -> None:
    test = workflow_test("train")
    test.vendor("forge").fails("it diverged", after_s=HOUR_S / 2)
    run = test.run(CORPUS)
    assert (run.status, run.output["model"]) == ("SUCCEEDED", None)
    assert "it diverged" in run.output["why"]

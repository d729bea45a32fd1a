"""TimeoutSeconds of a machine, and computed ones of tasks."""

import time

import pytest

from tests.cloud.conftest import Clouds
from tests.cloud.machines import Machines


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


def test_an_execution_that_runs_too_long_times_out_and_its_token_is_dead(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting()}, TimeoutSeconds=1)
    token = strict.token()
    end = strict.end(arn)
    assert end["status"] == "TIMED_OUT"
    assert end["stopDate"] >= end["startDate"]
    assert not {"error", "cause", "output"} & end.keys(), "they are in the history alone"
    last = strict.history(arn)[-1]
    assert (last["type"], last["executionTimedOutEventDetails"]) == ("ExecutionTimedOut", {"error": "States.Timeout"})
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.succeed(token)


def test_nothing_catches_the_timeout_of_the_machine(strict: Machines) -> None:
    states = {
        "Wait": strict.waiting(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]),
        "Caught": {"Type": "Pass", "End": True},
    }
    arn = strict.start(states, TimeoutSeconds=1)
    strict.message()
    assert strict.end(arn)["status"] == "TIMED_OUT"


def test_a_wait_state_and_branches_end_with_it_too(strict: Machines) -> None:
    sleep = {"Type": "Wait", "Seconds": 20, "End": True}
    branches = [{"StartAt": name, "States": {name: sleep}} for name in ("Sleep", "Doze")]
    arn = strict.start({"Both": {"Type": "Parallel", "Branches": branches, "End": True}}, TimeoutSeconds=1)
    before_s = time.monotonic()
    assert strict.end(arn)["status"] == "TIMED_OUT"
    assert time.monotonic() - before_s < 5


def test_a_machine_that_is_done_in_time_is_left_alone(strict: Machines) -> None:
    arn = strict.start({"Done": {"Type": "Pass", "End": True}}, TimeoutSeconds=1)
    strict.end(arn)
    time.sleep(1.2)
    assert strict.describe(arn)["status"] == "SUCCEEDED"


def test_a_task_finds_its_timeout_in_its_input(strict: Machines) -> None:
    task = {name: value for name, value in strict.waiting().items() if name != "TimeoutSeconds"}
    arn = strict.start({"Wait": task | {"TimeoutSecondsPath": "$.limit"}}, {"limit": 1})
    strict.message()
    assert strict.end(arn)["error"] == "States.Timeout"
    wrong = strict.start({"Wait": task | {"TimeoutSecondsPath": "$.limit"}}, {"limit": "soon"})
    assert strict.end(wrong)["error"] == "States.Runtime"


def test_the_lenient_cloud_lets_it_run(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    arn = lenient.start({"Wait": lenient.waiting()}, TimeoutSeconds=1)
    token = lenient.token()
    time.sleep(1.2)
    lenient.succeed(token)
    assert lenient.end(arn)["status"] == "SUCCEEDED"

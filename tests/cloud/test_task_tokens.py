"""Task tokens: one for each attempt, that counts once, while the task waits."""

import pytest

from tests.cloud.conftest import Clouds
from tests.cloud.machines import Machines


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxDelaySeconds": 1, "MaxAttempts": 1}]


def test_a_retry_has_a_new_token_and_the_old_one_is_dead(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting(Retry=RETRY)})
    first = strict.message()
    strict.client.send_task_failure(taskToken=first["token"], error="Once")
    second = strict.message()
    assert (first["retry_count"], second["retry_count"]) == (0, 1)
    assert second["token"] != first["token"]
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.succeed(first["token"], "late")
    strict.succeed(second["token"], "in time")
    assert strict.end(arn)["output"] == '"in time"'


def test_a_token_counts_once(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting()})
    token = strict.token()
    strict.succeed(token, "first")
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.succeed(token, "second")
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.client.send_task_failure(taskToken=token, error="Third")
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.client.send_task_heartbeat(taskToken=token)
    assert strict.end(arn)["output"] == '"first"'


@pytest.mark.parametrize("garbage", ["FakeTaskToken", "AAAA", "0f9c2a44-2f1c-4e55-9f0e-7c1a6f0c2d11"])
def test_what_is_no_token_is_invalid(strict: Machines, garbage: str) -> None:
    with pytest.raises(strict.client.exceptions.InvalidToken):
        strict.succeed(garbage)
    with pytest.raises(strict.client.exceptions.InvalidToken):
        strict.client.send_task_heartbeat(taskToken=garbage)


def test_an_output_that_is_no_json_is_refused_and_the_task_stays_open(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting()})
    token = strict.token()
    with pytest.raises(strict.client.exceptions.InvalidOutput):
        strict.client.send_task_success(taskToken=token, output="{not json")
    strict.succeed(token, {"now": "well"})
    assert strict.end(arn)["output"] == '{"now": "well"}'


def test_stopping_an_execution_aborts_it_at_once_and_its_token_is_dead(strict: Machines) -> None:
    arn = strict.start({"Wait": strict.waiting(Retry=RETRY)})
    token = strict.token()
    strict.client.stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    assert strict.describe(arn)["status"] == "ABORTED"
    with pytest.raises(strict.client.exceptions.TaskTimedOut):
        strict.succeed(token)
    assert strict.events(arn)[-1] == "ExecutionAborted"


def test_branches_have_tokens_of_their_own(strict: Machines) -> None:
    branches = [{"StartAt": name, "States": {name: strict.waiting()}} for name in ("Here", "There")]
    arn = strict.start({"Both": {"Type": "Parallel", "Branches": branches, "End": True}})
    tokens = {strict.token(), strict.token()}
    assert len(tokens) == 2
    for token in tokens:
        strict.succeed(token, "one")
    assert strict.end(arn)["output"] == '["one", "one"]'


def test_the_lenient_cloud_keeps_a_token_and_takes_any_output(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    arn = lenient.start({"Wait": lenient.waiting(Retry=RETRY)})
    first = lenient.token()
    lenient.client.send_task_failure(taskToken=first, error="Once")
    assert lenient.token() == first
    lenient.client.send_task_success(taskToken=first, output="{not json")
    assert lenient.end(arn)["status"] == "SUCCEEDED"
    with pytest.raises(lenient.client.exceptions.TaskDoesNotExist):
        lenient.succeed(first)

"""Names of executions: unique in their machine, idempotent while they run, without some characters."""

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Clouds
from tests.cloud.machines import DONE, Machines


@pytest.fixture(scope="module")
def strict(clouds: Clouds) -> Machines:
    return Machines(clouds.strict)


def refused(machines: Machines, machine: str, name: str, text: str = "{}") -> str:
    with pytest.raises(ClientError) as caught:
        machines.client.start_execution(stateMachineArn=machine, name=name, input=text)
    return str(caught.value.response["Error"]["Code"])


def test_the_same_start_twice_is_one_while_it_runs_and_refused_afterwards(strict: Machines) -> None:
    machine = strict.create({"Wait": strict.waiting()})
    start = {"stateMachineArn": machine, "name": "once", "input": '{"a": 1}'}
    first = strict.client.start_execution(**start)
    again = strict.client.start_execution(**start)
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert refused(strict, machine, "once", '{"a": 2}') == "ExecutionAlreadyExists"
    strict.succeed(strict.token())
    strict.end(first["executionArn"])
    assert refused(strict, machine, "once", '{"a": 1}') == "ExecutionAlreadyExists"


def test_another_machine_may_use_the_same_name(strict: Machines) -> None:
    arns = {
        strict.client.start_execution(stateMachineArn=strict.create({"Done": DONE}), name="shared")["executionArn"]
        for _ in range(2)
    }
    assert len(arns) == 2


@pytest.mark.parametrize("name", ["two words", "a/b", "a:b", "a#b", "a<b>", "a\x7fb", "what?"])
def test_some_characters_are_refused(strict: Machines, name: str) -> None:
    assert refused(strict, strict.create({"Done": DONE}), name) == "InvalidName"


def test_a_name_has_at_most_80_characters(strict: Machines) -> None:
    machine = strict.create({"Done": DONE})
    assert refused(strict, machine, "n" * 81) == "ValidationException"
    strict.client.start_execution(stateMachineArn=machine, name="n" * 80)
    strict.client.start_execution(stateMachineArn=machine, name="naïve.name_(with)-é=@!+'")


def test_express_machines_do_not_mind(strict: Machines) -> None:
    machine = strict.create({"Done": DONE}, kind="EXPRESS")
    for _ in range(2):
        strict.client.start_execution(stateMachineArn=machine, name="again")


def test_the_lenient_cloud_takes_any_name_and_refuses_the_second_start(clouds: Clouds) -> None:
    lenient = Machines(clouds.lenient)
    machine = lenient.create({"Wait": lenient.waiting()})
    arn = lenient.client.start_execution(stateMachineArn=machine, name="two words")["executionArn"]
    assert refused(lenient, machine, "two words") == "ExecutionAlreadyExists"
    lenient.client.stop_execution(executionArn=arn)

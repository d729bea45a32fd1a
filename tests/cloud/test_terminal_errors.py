"""What States.ALL does not catch."""

from typing import Any

import pytest

from tests.cloud.conftest import Clouds
from tests.cloud.machines import DONE, Machines


def states(machines: Machines, names: list[str]) -> dict[str, Any]:
    """A task that fails with States.Runtime, because nothing does what it asks for."""
    task = machines.waiting(
        Catch=[{"ErrorEquals": names, "Next": "Done"}], Next="Done", Resource="arn:aws:states:::no:no"
    )
    return {"Task": task, "Done": DONE}


@pytest.mark.parametrize("cloud", ["strict", "lenient"])
def test_the_wildcard_does_not_catch_a_runtime_error(clouds: Clouds, cloud: str) -> None:
    machines = Machines(getattr(clouds, cloud))
    end = machines.end(machines.start(states(machines, ["States.ALL"])))
    assert end["status"] == {"strict": "FAILED", "lenient": "SUCCEEDED"}[cloud]


def test_the_wildcard_catches_other_errors(clouds: Clouds) -> None:
    strict = Machines(clouds.strict)
    task = strict.waiting(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Done"}], Next="Done")
    arn = strict.start({"Wait": task, "Done": DONE})
    strict.client.send_task_failure(taskToken=strict.token(), error="Own.Error")
    assert strict.end(arn)["status"] == "SUCCEEDED"

"""Paths of Parameters and ResultSelector that lead nowhere."""

from typing import Any

import pytest

from tests.cloud.conftest import Clouds
from tests.cloud.machines import Machines


def end_of(machines: Machines, template: dict[str, Any]) -> Any:
    states = {"Shape": {"Type": "Pass", "Parameters": template, "End": True}}
    return machines.end(machines.start(states, {"there": None, "list": [1]}))


@pytest.mark.parametrize(
    "template",
    [{"a.$": "$.missing"}, {"deep": {"a.$": "$.list[1]"}}, {"a.$": "$$.Task.Token"}, {"l": [{"a.$": "$.no"}]}],
)
def test_a_path_that_leads_nowhere_fails_the_execution(clouds: Clouds, template: dict[str, Any]) -> None:
    end = end_of(Machines(clouds.strict), template)
    assert (end["status"], end["error"]) == ("FAILED", "States.Runtime")
    assert "could not be found in the input" in end["cause"]


def test_null_and_wildcards_that_find_nothing_are_fine(clouds: Clouds) -> None:
    strict = Machines(clouds.strict)
    template = {"null.$": "$.there", "all.$": "$.list[*].none", "name.$": "$$.Execution.Name", "item.$": "$.list[0]"}
    assert end_of(strict, template)["status"] == "SUCCEEDED"


def test_the_lenient_cloud_puts_null_there(clouds: Clouds) -> None:
    assert end_of(Machines(clouds.lenient), {"a.$": "$.missing"})["output"] == '{"a": null}'

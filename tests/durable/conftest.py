"""A durable function on its SDK's testing library, in front of a lane whose handlers, ledger and inbox are real."""

import json
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from headway_lane import worker as kept_worker

from tests.checkout import ROOT
from tests.durable.lane import LocalLambda, LocalLane
from tests.unit.headway_lane.conftest import (  # noqa: F401 - fixtures
    _logs_go_to_the_running_test,
    _no_account,
    dynamodb,
    ledger,
    step_functions,
    tables,
    wall_clock,
    worker,
)
from tests.unit.headway_lane.fakes import Worker

LIMITS_S = {"Call": (60, 30), "Fetch": (60, 30)}
"""Timeout and heartbeat of both callbacks, in real seconds: none of them ends where a test does not want it to."""


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example's function, as a lane of the fake vendor's is bound to it."""
    path = ROOT / "examples" / "durable" / "functions" / "order" / "handler.py"
    spec = spec_from_file_location("durable_order", path)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setattr(made, "VENDOR", "acme")
    monkeypatch.setenv("ReplicateRequestQueueUrl", "https://sqs.example/requests")
    monkeypatch.setenv("ReplicateResultsQueueUrl", "https://sqs.example/results")
    for wait, (timeout_s, heartbeat_s) in LIMITS_S.items():
        monkeypatch.setenv(f"Replicate{wait}TimeoutSeconds", str(timeout_s))
        monkeypatch.setenv(f"Replicate{wait}HeartbeatSeconds", str(heartbeat_s))
    return made


@pytest.fixture
def runner(function: ModuleType) -> Iterator[DurableFunctionTestRunner]:
    with DurableFunctionTestRunner(handler=function.handle) as made:
        yield made
    made._scheduler._loop.close()  # the library stops it, and leaves it open


@pytest.fixture
def lane(
    worker: Worker,  # noqa: F811 - the fixture
    function: ModuleType,
    runner: DurableFunctionTestRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> LocalLane:
    """A lane whose functions know Lambda only as the local runner plays it."""
    functions: Any = LocalLambda(runner)
    monkeypatch.setattr(kept_worker, "lambda_functions", lambda: functions)
    made = LocalLane(worker, functions)
    monkeypatch.setattr(function, "sqs", lambda: made)
    return made


@pytest.fixture
def execution(runner: DurableFunctionTestRunner, lane: LocalLane) -> str:
    """An order that has begun."""
    return str(runner.run_async(input=json.dumps({"order": "order-1", "prompt": "a lighthouse"})))

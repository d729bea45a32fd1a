"""AWS clients of the functions give up in time, and ask again a few times only."""

from importlib.metadata import version
from typing import Any

import pytest
from headway_lane.runtime import aws


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def timeouts_s(client: Any) -> tuple[float, float]:
    return client.meta.config.connect_timeout, client.meta.config.read_timeout


def test_a_request_ends_long_before_its_function() -> None:
    assert timeouts_s(aws.step_functions()) == (1, 3)
    assert timeouts_s(aws.table("any").meta.client) == (1, 3)


def test_what_waits_or_is_large_has_longer() -> None:
    connect_s, read_s = timeouts_s(aws.sqs())
    assert (connect_s, read_s) == (1, aws.RECEIVE_WAIT_S + 3)
    assert timeouts_s(aws.s3()) == (1, 10)


def test_a_request_is_asked_three_times_at_most() -> None:
    clients: list[Any] = [aws.step_functions(), aws.table("any").meta.client, aws.sqs(), aws.s3()]
    for client in clients:
        assert client.meta.config.retries["total_max_attempts"] == 3


def test_aws_sees_which_version_asks() -> None:
    client: Any = aws.step_functions()
    assert client.meta.config.user_agent.split()[0] == f"headway/{version('headway')}"

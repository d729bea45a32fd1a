"""A run is not begun for a lane that is drained."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from headway.errors import RunRefused
from headway.run.draining import refuse_drained
from tests.unit.headway.connections import lane_of, moto_connection


@pytest.fixture
def ssm() -> Any:
    with mock_aws():
        yield boto3.client("ssm", region_name="us-east-1")


@pytest.mark.parametrize("value", ["open", "paused", None])
def test_a_run_begins_unless_the_lane_is_drained(ssm: Any, value: str | None) -> None:
    if value:
        ssm.put_parameter(Name="/headway/dev/acme/dispatching", Value=value, Type="String")
    refuse_drained(moto_connection(acme=lane_of()), {"acme"})


def test_a_drained_lane_refuses_the_run_with_the_way_out(ssm: Any) -> None:
    ssm.put_parameter(Name="/headway/dev/acme/dispatching", Value="draining", Type="String")
    with pytest.raises(RunRefused, match="acme is drained, and starts nothing new: `headway resume acme` first"):
        refuse_drained(moto_connection(acme=lane_of()), {"acme"})

"""What a lane tells of itself: one parameter with all that commands and other stacks ask for."""

import json
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from headway_cdk.published import PublishedLane

from tests.infrastructure import arns
from tests.infrastructure.conftest import PRESS, STAGE

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

CALL_DESK, NIGHT_DESK, REPLICATE = "call-desk", "night-desk", "replicate"


def published(templates: "Templates", vendor: str) -> dict[str, str]:
    """Return what a lane's parameter says, with `<name>` for what the template refers to."""
    told: dict[str, str] = json.loads(templates.say(templates.published[f"/headway/{STAGE}/{vendor}/lane"][1]))
    return told


def always(vendor: str) -> dict[str, str]:
    return {
        "calls_table": f"<{vendor}/Calls>",
        "jobs_table": f"<{vendor}/Jobs>",
        "budgets_table": f"<{vendor}/Budgets>",
        "claims_bucket": f"<{vendor}/Claims>",
        "request_queue_url": f"<{vendor}/RequestQueue>",
        "request_dlq_url": f"<{vendor}/RequestDlq>",
        "results_queue_url": f"<{vendor}/ResultsQueue>",
        "call_vendor_machine_arn": arns.machine(vendor, "call-vendor"),
        "dispatch_machine_arn": arns.machine(vendor, "dispatch-call"),
        "dispatcher_function": f"<{vendor}/Dispatcher/Function>",
        "settler_function": f"<{vendor}/Settler/Function>",
        "results_function": f"<{vendor}/Results/Function>",
        "proxy_api_id": f"<{vendor}/Proxy/Api>",
    }


def calling_back(vendor: str) -> dict[str, str]:
    api = f"{vendor}/Callbacks/Api"
    return {
        "callback_queue_url": f"<{vendor}/CallbackQueue>",
        "callback_dlq_url": f"<{vendor}/CallbackDlq>",
        "webhook_key_arn": f"<{vendor}/WebhookKey>",
        "callback_function": f"<{vendor}/Callback/Function>",
        "callback_url": (
            f"https://<{api}>.execute-api.<AWS::Region>.<AWS::URLSuffix>/<{api}/DeploymentStage.v>/callbacks/{vendor}"
        ),
    }


def with_caller(vendor: str) -> dict[str, str]:
    return {"caller_function": f"<{vendor}/Caller/Function>"}


def with_token(vendor: str) -> dict[str, str]:
    return {"api_token_arn": f"<{vendor}/ApiToken>"}


def urgent(vendor: str) -> dict[str, str]:
    return {"urgent_queue_url": f"<{vendor}/UrgentQueue>"}


@pytest.mark.parametrize(
    ("vendor", "asked_for"),
    [
        (CALL_DESK, (calling_back, with_caller, with_token, urgent)),
        (NIGHT_DESK, (with_caller, urgent)),
        (REPLICATE, (calling_back, with_caller, with_token)),
        (PRESS, (calling_back, urgent)),
    ],
)
def test_a_lane_tells_all_that_its_contract_asks_for_and_nothing_else(
    templates: "Templates", vendor: str, asked_for: tuple[Callable[[str], dict[str, str]], ...]
) -> None:
    expected = always(vendor)
    for part in asked_for:
        expected |= part(vendor)
    assert published(templates, vendor) == expected


def test_every_lane_has_what_each_must_have_and_some_lane_has_each_of_the_others(templates: "Templates") -> None:
    lanes = [set(published(templates, vendor.name)) for vendor in templates.vendors]
    optional = {field.name for field in fields(PublishedLane) if field.default is None}
    every = {field.name for field in fields(PublishedLane)}
    assert set.intersection(*lanes) >= every - optional
    assert set.union(*lanes) == every


def test_what_a_lane_tells_is_read_as_it_was_written(templates: "Templates") -> None:
    for vendor in templates.vendors:
        told = published(templates, vendor.name)
        assert PublishedLane.from_json(json.dumps(told)).as_json() == told


def test_a_parameter_has_room_for_the_longest_names(templates: "Templates") -> None:
    parameter = templates.properties(f"{PRESS}/Parameter")
    assert parameter["Tier"] == "Intelligent-Tiering", "4,096 characters, or 8,192 where it takes them"

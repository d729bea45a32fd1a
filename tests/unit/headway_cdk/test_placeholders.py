"""Names of what workflows can name: one follows from each thing, and no two things share one."""

from dataclasses import dataclass

import pytest
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.names import pascal
from headway_cdk.placeholders import (
    PLACEHOLDER,
    AwsAccount,
    Binding,
    Placeholders,
    ResourceKind,
    bucket,
    bus,
    queue,
    table,
)
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.vendor import Vendor
from hypothesis import given
from hypothesis import strategies as st

VENDOR: Vendor = load_vendors(EXAMPLE_CONFIGURATION)[0].vendor
ACCOUNT = AwsAccount("aws", "eu-central-1", "123456789012")
STATES = "arn:aws:states:eu-central-1:123456789012"


@dataclass(frozen=True)
class Parts:
    call_vendor: Binding
    request_queue: Binding
    urgent_queue: Binding
    results_queue: Binding
    claims: Binding


PARTS = Parts(
    call_vendor=ACCOUNT.machine("headway-dev-replicate-call-vendor"),
    request_queue=queue("https://sqs/requests", "arn:requests"),
    urgent_queue=queue("https://sqs/urgent", "arn:urgent"),
    results_queue=queue("https://sqs/results", "arn:results"),
    claims=bucket("claims-1x", "arn:claims"),
)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("assembly-ai", "AssemblyAi"),
        ("use_result", "UseResult"),
        ("orders", "Orders"),
        ("s3-2-go", "S32Go"),
        ("a--b_", "AB"),
    ],
)
def test_a_name_is_written_in_pascal_case(name: str, written: str) -> None:
    assert pascal(name) == written


@given(st.from_regex(r"\A[a-z][a-z0-9_-]{0,30}\Z"))
def test_every_name_of_a_thing_makes_a_placeholder_that_cloudformation_substitutes(name: str) -> None:
    assert PLACEHOLDER.fullmatch(f"${{{pascal(name)}Table}}")


def test_each_part_of_a_lane_is_named_after_its_vendor_and_belongs_to_it() -> None:
    found = Placeholders()
    found.add_lane(VENDOR, PARTS)
    assert {name: bound.value for name, bound in found.bound.items()} == {
        "ReplicateCallVendorArn": f"{STATES}:stateMachine:headway-dev-replicate-call-vendor",
        "ReplicateRequestQueueUrl": "https://sqs/requests",
        "ReplicateUrgentQueueUrl": "https://sqs/urgent",
        "ReplicateResultsQueueUrl": "https://sqs/results",
        "ReplicateClaimsBucket": "claims-1x",
        "ReplicateCallTimeoutSeconds": VENDOR.call_timeout_s,
        "ReplicateCallHeartbeatSeconds": VENDOR.call_heartbeat_s,
        "ReplicateFetchTimeoutSeconds": VENDOR.fetch_timeout_s,
        "ReplicateFetchHeartbeatSeconds": VENDOR.fetch_heartbeat_s,
    }
    assert {bound.vendor for bound in found.bound.values()} == {"replicate"}


def test_functions_tables_buckets_and_settings_of_the_project_are_named_after_themselves_and_belong_to_no_lane() -> (
    None
):
    found = Placeholders()
    found.add_function("use_result", "arn:function")
    found.add_table("orders", table_name="orders-1x", arn="arn:table")
    found.add_bucket("files", bucket_name="files-1x", arn="arn:bucket")
    found.add_setting("Greeting", "hello")
    kinds = {name: bound.kind for name, bound in found.bound.items()}
    assert kinds == {
        "UseResultFunctionArn": ResourceKind.FUNCTION,
        "OrdersTable": ResourceKind.TABLE,
        "FilesBucket": ResourceKind.BUCKET,
        "Greeting": None,
    }
    assert {bound.vendor for bound in found.bound.values()} == {""}


def test_what_the_projects_app_gives_is_named_after_itself_and_its_kind() -> None:
    found = Placeholders()
    found.add_resource("order_management", queue("https://sqs/orders.fifo", "arn:orders"))
    found.add_resource("pictures", bucket("pictures-1x", "arn:pictures"))
    found.add_resource("news", bus("news", "arn:news"))
    named = {name: (one.kind, one.value, one.arn) for name, one in found.bound.items()}
    assert named == {
        "OrderManagementQueueUrl": (ResourceKind.QUEUE, "https://sqs/orders.fifo", "arn:orders"),
        "PicturesBucket": (ResourceKind.BUCKET, "pictures-1x", "arn:pictures"),
        "NewsBus": (ResourceKind.BUS, "news", "arn:news"),
    }


def test_a_resource_of_a_kind_that_has_a_place_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the resource 'orders': no queue, no bucket, no event bus"):
        Placeholders().add_resource("orders", table("orders", "arn:orders"))


def test_two_things_that_would_have_one_name_are_refused_with_both() -> None:
    found = Placeholders()
    found.add_function("use_result", "arn:1")
    with pytest.raises(ConfigurationError) as refused:
        found.add_function("use-result", "arn:2")
    assert str(refused.value) == (
        "functions/use-result and functions/use_result would both be `${UseResultFunctionArn}` in workflows;"
        " rename one of them"
    )


def test_a_thing_of_the_project_does_not_hide_a_part_of_a_lane() -> None:
    found = Placeholders()
    found.add_setting("ReplicateClaimsBucket", "mine")
    with pytest.raises(ConfigurationError, match=r"'replicate' and the setting 'ReplicateClaimsBucket' would both be"):
        found.add_lane(VENDOR, PARTS)


@pytest.mark.parametrize("name", ["greeting", "Greeting_1", "", "1st"])
def test_a_setting_whose_name_is_no_placeholder_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="alphanumeric, the first a capital"):
        Placeholders().add_setting(name, 1)

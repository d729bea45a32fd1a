"""What must not be lost: tables, queues, secrets, claim checks, and that they are in a stack of their own."""

import re
from typing import TYPE_CHECKING

from headway_cdk.parameters import logical_name
from headway_lane.ledger.record import CallAttribute, JobAttribute
from headway_lane.ledger.store import JOB_TTL_S
from headway_lane.limiter.reservation_store import BudgetAttribute

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

LASTING = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret"}
FOURTEEN_DAYS_S = 14 * 24 * 3600


def test_tables_queues_secrets_and_the_bucket_are_in_the_stateful_stack_and_nothing_but_their_policies_beside_them(
    templates: "Templates",
) -> None:
    types = {
        name: {resource["Type"] for resource in stack["Resources"].values()} for name, stack in templates.stacks.items()
    }
    assert types["HeadwayStateful"] == LASTING | {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}
    assert not types["HeadwayStateless"] & LASTING


def test_tables_are_keyed_by_the_codes_names_and_cannot_be_lost(templates: "Templates") -> None:
    tables = templates.of_type("AWS::DynamoDB::Table")
    keys = {"Calls": CallAttribute.CALL_ID, "Jobs": JobAttribute.JOB_KEY, "Budgets": BudgetAttribute.BUDGET}
    assert tables.keys() == keys.keys()
    for name, table in tables.items():
        assert table["KeySchema"] == [{"AttributeName": keys[name], "KeyType": "HASH"}]
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["DeletionProtectionEnabled"] is True
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_records_of_the_ledger_expire_and_reservations_never_do(templates: "Templates") -> None:
    ttl = {
        name: table["TimeToLiveSpecification"]
        for name, table in templates.of_type("AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }
    assert ttl == {
        "Calls": {"AttributeName": CallAttribute.EXPIRES_EPOCH_S, "Enabled": True},
        "Jobs": {"AttributeName": JobAttribute.EXPIRES_EPOCH_S, "Enabled": True},
    }


def test_tables_queues_secrets_and_the_bucket_are_retained_when_their_stack_goes(templates: "Templates") -> None:
    for name, resource in templates.resources.items():
        if resource["Type"] in LASTING:
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name


def test_a_vendor_has_a_webhook_key_and_where_it_wants_one_a_token_and_no_value_is_in_the_template(
    another: "Templates",
) -> None:
    secrets = another.of_type("AWS::SecretsManager::Secret")
    assert secrets.keys() == {
        *("ApiTokenCallDesk", "ApiTokenReplicate"),
        *("WebhookKeyCallDesk", "WebhookKeyReplicate", "WebhookKeySlowPress"),
    }
    assert all("SecretString" not in secret for secret in secrets.values())


def test_queues_keep_messages_for_two_weeks_encrypted_and_are_reached_over_tls_only(templates: "Templates") -> None:
    queues = templates.of_type("AWS::SQS::Queue")
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS_S, name
        # CloudFormation encrypts a queue with SQS's own keys unless it is told not to.
        assert queue.get("SqsManagedSseEnabled", True) is True, name
    guarded = {}
    for policy in templates.of_type("AWS::SQS::QueuePolicy").values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Action"] == "sqs:*"
        (queue,) = policy["Queues"]
        guarded[templates.say(queue)] = templates.say(statement["Resource"])
    assert guarded == {f"<{name}>": f"<{name}>" for name in queues}


def test_every_queue_that_is_consumed_has_a_dead_letter_queue_which_a_vendors_queues_share(
    templates: "Templates",
) -> None:
    redrives = {
        name: (templates.say(queue["RedrivePolicy"]["deadLetterTargetArn"]), queue["RedrivePolicy"]["maxReceiveCount"])
        for name, queue in templates.of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" in queue
    }
    vendors = [logical_name(vendor.name) for vendor in templates.vendors]
    expected = {f"RequestQueue{name}": (f"<RequestDlq{name}>", 3) for name in vendors}
    urgent = [logical_name(vendor.name) for vendor in templates.vendors if vendor.dispatch.urgent_concurrency]
    expected |= {f"UrgentQueue{name}": (f"<RequestDlq{name}>", 3) for name in urgent}
    polled = [logical_name(vendor.name) for vendor in templates.vendors if vendor.poll]
    expected |= {f"CheckQueue{name}": (f"<RequestDlq{name}>", 3) for name in polled}
    assert redrives == {**expected, "CallbackQueue": ("<CallbackDlq>", 3)}


def test_a_message_stays_invisible_for_six_timeouts_of_its_consumer_and_the_batching_window(
    templates: "Templates",
) -> None:
    mappings = templates.of_type("AWS::Lambda::EventSourceMapping")
    urgent_lanes = [vendor for vendor in templates.vendors if vendor.dispatch.urgent_concurrency]
    polled_lanes = [vendor for vendor in templates.vendors if vendor.poll]
    assert len(mappings) == len(templates.vendors) + len(urgent_lanes) + len(polled_lanes) + 1
    for name, mapping in mappings.items():
        queue = templates.properties(templates.say(mapping["EventSourceArn"]).strip("<>"))
        consumer = re.sub(r"/SqsEventSource.*", "", name).replace("/Live", "/Dispatcher/Function")
        timeout_s = templates.properties(consumer)["Timeout"]
        window_s = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= 6 * timeout_s + window_s
    for vendor in templates.vendors:
        queue = templates.properties(f"RequestQueue{logical_name(vendor.name)}")
        drain = templates.properties(f"Lane-{vendor.name}/Drain/Function")
        assert queue["VisibilityTimeout"] >= 6 * drain["Timeout"]


def test_callbacks_are_consumed_in_bounded_batches_that_report_their_items(templates: "Templates") -> None:
    (mapping,) = (
        mapping
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping").values()
        if templates.say(mapping["EventSourceArn"]) == "<CallbackQueue>"
    )
    assert templates.say(mapping["FunctionName"]) == "<Callback/Function>"
    assert mapping["BatchSize"] == 10
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_claim_checks_are_private_encrypted_reached_over_tls_only_and_expire_with_the_records(
    templates: "Templates",
) -> None:
    [(name, bucket)] = templates.of_type("AWS::S3::Bucket").items()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [expiry] = bucket["LifecycleConfiguration"]["Rules"]
    assert (expiry["ExpirationInDays"] * 24 * 3600, expiry["Status"]) == (JOB_TTL_S, "Enabled")
    [policy] = templates.of_type("AWS::S3::BucketPolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert templates.say(policy["Bucket"]) == f"<{name}>"

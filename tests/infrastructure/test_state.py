"""What must not be lost: tables, queues, secrets, claim checks, and that they are in a stack of their own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.jobs import JOB_TTL_S
from headway_lane.ledger.record import EXECUTION_INDEX, CallAttribute, JobAttribute
from headway_lane.limiter.reservation_store import BudgetAttribute

from tests.infrastructure import arns
from tests.infrastructure.conftest import PRESS

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

LASTING = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret"}
FOURTEEN_DAYS_S = 14 * 24 * 3600


def test_tables_queues_secrets_and_the_bucket_are_in_the_state_stack_with_what_guards_and_tells_them(
    templates: "Templates",
) -> None:
    beside = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SSM::Parameter"}
    for vendor in templates.vendors:
        types = {
            part: {resource["Type"] for resource in templates.stack(vendor.name, part)["Resources"].values()}
            for part in ("state", "lane")
        }
        secrets = {"AWS::SecretsManager::Secret"} if vendor.callback or vendor.credential else set()
        assert types["state"] == (LASTING - {"AWS::SecretsManager::Secret"}) | secrets | beside
        assert not types["lane"] & LASTING


def test_tables_are_keyed_by_the_codes_names_and_cannot_be_lost(templates: "Templates") -> None:
    keys = {"Calls": CallAttribute.CALL_ID, "Jobs": JobAttribute.JOB_KEY, "Budgets": BudgetAttribute.BUDGET}
    for vendor in templates.vendors:
        tables = templates.of_type("AWS::DynamoDB::Table", vendor.name)
        assert tables.keys() == {f"{vendor.name}/{name}" for name in keys}
        for name, key in keys.items():
            table = tables[f"{vendor.name}/{name}"]
            assert table["KeySchema"] == [{"AttributeName": key, "KeyType": "HASH"}]
            assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
            assert table["DeletionProtectionEnabled"] is True
            assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_calls_of_an_execution_are_found_by_an_index(templates: "Templates") -> None:
    for vendor in templates.vendors:
        tables = templates.of_type("AWS::DynamoDB::Table", vendor.name)
        indexed = {
            name: table["GlobalSecondaryIndexes"] for name, table in tables.items() if "GlobalSecondaryIndexes" in table
        }
        assert indexed == {
            f"{vendor.name}/Calls": [
                {
                    "IndexName": EXECUTION_INDEX,
                    "KeySchema": [{"AttributeName": CallAttribute.EXECUTION, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ]
        }


def test_records_of_the_ledger_expire_and_reservations_never_do(templates: "Templates") -> None:
    for vendor in templates.vendors:
        ttl = {
            name: table["TimeToLiveSpecification"]
            for name, table in templates.of_type("AWS::DynamoDB::Table", vendor.name).items()
            if "TimeToLiveSpecification" in table
        }
        assert ttl == {
            f"{vendor.name}/Calls": {"AttributeName": CallAttribute.EXPIRES_EPOCH_S, "Enabled": True},
            f"{vendor.name}/Jobs": {"AttributeName": JobAttribute.EXPIRES_EPOCH_S, "Enabled": True},
        }


def test_tables_queues_secrets_and_the_bucket_are_retained_when_their_stack_goes(templates: "Templates") -> None:
    for name, resource in templates.resources.items():
        if resource["Type"] in LASTING:
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name


def test_who_calls_back_has_a_webhook_key_and_who_wants_one_a_token_and_no_value_is_in_the_template(
    templates: "Templates",
) -> None:
    secrets = templates.of_type("AWS::SecretsManager::Secret")
    assert secrets.keys() == {
        *("call-desk/ApiToken", "replicate/ApiToken"),
        *("call-desk/WebhookKey", "replicate/WebhookKey", f"{PRESS}/WebhookKey"),
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
        statement, *_ = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Action"] == "sqs:*"
        (queue,) = policy["Queues"]
        guarded[templates.say(queue)] = templates.say(statement["Resource"])
    assert guarded == {f"<{name}>": f"<{name}>" for name in queues}


def test_every_queue_that_is_consumed_has_a_dead_letter_queue_and_callbacks_one_of_their_own(
    templates: "Templates",
) -> None:
    redrives = {
        name: (templates.say(queue["RedrivePolicy"]["deadLetterTargetArn"]), queue["RedrivePolicy"]["maxReceiveCount"])
        for name, queue in templates.of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" in queue
    }
    assert redrives == {
        f"{vendor.name}/{queue}": (f"<{vendor.name}/{dlq}>", 3)
        for vendor in templates.vendors
        for queue, dlq in consumed(vendor)
    }


def consumed(vendor: Vendor) -> Iterator[tuple[str, str]]:
    """Yield the queues of a vendor that somebody consumes, with their dead-letter queues."""
    yield "RequestQueue", "RequestDlq"
    if vendor.dispatch.urgent_concurrency:
        yield "UrgentQueue", "RequestDlq"
    yield "ResultsQueue", "RequestDlq"
    if vendor.callback:
        yield "CallbackQueue", "CallbackDlq"


def test_a_message_stays_invisible_for_six_timeouts_of_its_consumer_and_the_batching_window(
    templates: "Templates",
) -> None:
    consumers = {"RequestQueue": "Dispatcher", "UrgentQueue": "Dispatcher", "ResultsQueue": "Results"}
    consumers["CallbackQueue"] = "Callback"
    mappings = {
        templates.say(mapping["EventSourceArn"]): mapping
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping").values()
    }
    for vendor in templates.vendors:
        for name, _ in consumed(vendor):
            mapping = mappings.pop(arns.queue(vendor.name, name))
            function = f"{vendor.name}/{consumers[name]}/Function"
            target = templates.say(mapping["FunctionName"])
            assert target in (f"<{function}>", f"<{vendor.name}/{consumers[name]}/Live>:live")
            window_s = mapping.get("MaximumBatchingWindowInSeconds", 0)
            needed_s = 6 * templates.properties(function)["Timeout"] + window_s
            assert templates.properties(f"{vendor.name}/{name}")["VisibilityTimeout"] >= needed_s, f"{function}: {name}"
    assert mappings == {}


def test_callbacks_are_consumed_in_bounded_batches_that_report_their_items(templates: "Templates") -> None:
    for name, _ in templates.called_back:
        mapping = templates.properties(f"{name}/Callback/Callbacks")
        assert templates.say(mapping["EventSourceArn"]) == arns.queue(name, "CallbackQueue")
        assert templates.say(mapping["FunctionName"]) == f"<{name}/Callback/Function>"
        assert mapping["BatchSize"] == 10
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_claim_checks_are_private_encrypted_reached_over_tls_only_and_expire_with_the_records(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        [(name, bucket)] = templates.of_type("AWS::S3::Bucket", vendor.name).items()
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        [expiry] = bucket["LifecycleConfiguration"]["Rules"]
        assert (expiry["ExpirationInDays"] * 24 * 3600, expiry["Status"]) == (JOB_TTL_S, "Enabled")
        [policy] = templates.of_type("AWS::S3::BucketPolicy", vendor.name).values()
        [statement] = policy["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert templates.say(policy["Bucket"]) == f"<{name}>"

"""What must outlive every deployment of the code: ledger tables, queues with the calls in them, secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.contract.timing import SETTLE_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute, JobAttribute
from headway_lane.ledger.store import JOB_TTL_S
from headway_lane.limiter.reservation_store import BudgetAttribute

from headway_cdk.nag import acknowledge
from headway_cdk.parameters import logical_name

MAX_RECEIVE_COUNT = 3
CALLBACK_TIMEOUT_S = 2 * SETTLE_TIMEOUT_S
CLAIMS_ARN_EXPORT = "HeadwayClaimsArn"
"""Exported under a name of ours: a finding of the security rules about it has to be named, too."""


@dataclass(frozen=True, slots=True)
class VendorState:
    """The lasting parts of one vendor."""

    request_queue: sqs.Queue
    urgent_queue: sqs.Queue | None
    request_dlq: sqs.Queue
    check_queue: sqs.Queue | None
    api_token: secretsmanager.Secret | None
    webhook_key: secretsmanager.Secret | None

    @property
    def request_queues(self) -> Sequence[sqs.Queue]:
        """All queues that requests wait in, the urgent one first."""
        return [self.urgent_queue, self.request_queue] if self.urgent_queue else [self.request_queue]


class StatefulStack(Stack):
    """Tables, queues, secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, vendors: Sequence[Vendor]) -> None:
        super().__init__(scope, construct_id, description="Headway: ledger, queues and secrets")
        self.calls = self._table("Calls", CallAttribute.CALL_ID, CallAttribute.EXPIRES_EPOCH_S)
        self.jobs = self._table("Jobs", JobAttribute.JOB_KEY, JobAttribute.EXPIRES_EPOCH_S)
        self.budgets = self._table("Budgets", BudgetAttribute.BUDGET)
        self.claims = self._bucket("Claims")
        self.export_value(self.claims.bucket_arn, name=CLAIMS_ARN_EXPORT)
        self.callback_dlq = self._dlq("CallbackDlq")
        self.callback_queue = self._queue("CallbackQueue", self.callback_dlq, visibility_s=6 * CALLBACK_TIMEOUT_S)
        self.vendors: Mapping[str, VendorState] = {vendor.name: self._vendor(vendor) for vendor in vendors}

    def _table(self, name: str, key: str, ttl: str | None = None) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=ttl,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _bucket(self, name: str) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.seconds(JOB_TTL_S))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(bucket, "AwsSolutions-S1", "Private, read by functions and authors; CloudTrail logs who does.")
        return bucket

    def _dlq(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self, name, enforce_ssl=True, retention_period=Duration.days(14), removal_policy=RemovalPolicy.RETAIN
        )

    def _queue(self, name: str, dlq: sqs.Queue, *, visibility_s: int) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(visibility_s),
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.RETAIN,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dlq, max_receive_count=MAX_RECEIVE_COUNT),
        )

    def _vendor(self, vendor: Vendor) -> VendorState:
        name = logical_name(vendor.name)
        dlq = self._dlq(f"RequestDlq{name}")
        visibility_s = vendor.request_visibility_s
        urgent = vendor.dispatch.urgent_concurrency > 0
        return VendorState(
            request_queue=self._queue(f"RequestQueue{name}", dlq, visibility_s=visibility_s),
            urgent_queue=self._queue(f"UrgentQueue{name}", dlq, visibility_s=visibility_s) if urgent else None,
            request_dlq=dlq,
            check_queue=self._queue(f"CheckQueue{name}", dlq, visibility_s=6 * vendor.reconciler_timeout_s)
            if vendor.poll
            else None,
            api_token=self._secret(f"ApiToken{name}", f"API token of {vendor.name}") if vendor.credential else None,
            webhook_key=self._secret(f"WebhookKey{name}", f"Webhook keys of {vendor.name}, newest first")
            if vendor.callback
            else None,
        )

    def _secret(self, name: str, description: str) -> secretsmanager.Secret:
        """Make a secret with a random value, which authenticates nobody until an operator puts the vendor's there."""
        secret = secretsmanager.Secret(self, name, description=description, removal_policy=RemovalPolicy.RETAIN)
        acknowledge(secret, "AwsSolutions-SMG4", "The vendor issues this value: only the vendor can rotate it.")
        return secret

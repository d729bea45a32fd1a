"""What must outlive every deployment of a lane: ledger tables, queues with the calls in them, secrets."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from headway_lane.contract.timing import MAX_RECEIVE_COUNT, SETTLE_TIMEOUT_S, VISIBILITY_TIMES
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.jobs import JOB_TTL_S
from headway_lane.ledger.record import EXECUTION_INDEX, CallAttribute, JobAttribute
from headway_lane.limiter.reservation_store import BudgetAttribute

from headway_cdk.constructs.private_bucket import private_bucket
from headway_cdk.constructs.stopped_executions import may_tell_of_stops
from headway_cdk.nag import acknowledge
from headway_cdk.names import DISPATCHING_PARAMETER, Dispatching, parameter
from headway_cdk.published import PublishedState
from headway_cdk.state_references import StateReferences, publish

CALLBACK_TIMEOUT_S = 2 * SETTLE_TIMEOUT_S


class LaneState(Construct):
    """Tables, queues, secrets of one vendor. They have no fixed names, and stay when the stack goes."""

    def __init__(self, scope: Construct, construct_id: str, *, vendor: Vendor, stage: str) -> None:
        super().__init__(scope, construct_id)
        self._vendor = vendor
        request_dlq = self._dlq("RequestDlq")
        urgent = vendor.dispatch.urgent_concurrency > 0
        published = PublishedState(
            calls_table=self._calls(),
            jobs_table=self._table("Jobs", JobAttribute.JOB_KEY, JobAttribute.EXPIRES_EPOCH_S).table_name,
            budgets_table=self._table("Budgets", BudgetAttribute.BUDGET).table_name,
            claims_bucket=self._bucket("Claims"),
            request_queue_url=self._queue("RequestQueue", request_dlq, vendor.request_visibility_s).queue_url,
            request_dlq_url=request_dlq.queue_url,
            urgent_queue_url=self._queue("UrgentQueue", request_dlq, vendor.request_visibility_s).queue_url
            if urgent
            else None,
            results_queue_url=self._results_queue(request_dlq, stage),
            api_token_arn=self._secret("ApiToken", f"API token of {vendor.name}") if vendor.credential else None,
            **self._inbox(),
        )
        publish(self, stage, vendor.name, published)
        ssm.StringParameter(
            self,
            "Dispatching",
            parameter_name=parameter(stage, vendor.name, DISPATCHING_PARAMETER),
            string_value=Dispatching.OPEN,  # at first: CloudFormation leaves alone what an operator has written since
        )
        self.references = StateReferences.of(Stack.of(self), published)

    def _inbox(self) -> dict[str, str]:
        """Make what only a vendor needs that calls back."""
        if self._vendor.callback is None:
            return {}
        dlq = self._dlq("CallbackDlq")
        return {
            "callback_queue_url": self._queue("CallbackQueue", dlq, VISIBILITY_TIMES * CALLBACK_TIMEOUT_S).queue_url,
            "callback_dlq_url": dlq.queue_url,
            "webhook_key_arn": self._secret("WebhookKey", f"Webhook keys of {self._vendor.name}, newest first"),
        }

    def _results_queue(self, dlq: sqs.Queue, stage: str) -> str:
        """Make the queue of what is to be found out, which EventBridge may write to where jobs can be called off."""
        queue = self._queue("ResultsQueue", dlq, self._vendor.results_visibility_s)
        if self._vendor.cancel:
            queue.add_to_resource_policy(
                may_tell_of_stops(self, stage=stage, vendor=self._vendor.name, queue_arn=queue.queue_arn)
            )
        return queue.queue_url

    def _calls(self) -> str:
        """Make the table of calls, with its index: what that holds is written once, and never changes."""
        table = self._table("Calls", CallAttribute.CALL_ID, CallAttribute.EXPIRES_EPOCH_S)
        table.add_global_secondary_index(
            index_name=EXECUTION_INDEX,
            partition_key=dynamodb.Attribute(name=CallAttribute.EXECUTION, type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return table.table_name

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

    def _bucket(self, name: str) -> str:
        return private_bucket(self, name, expires_s=JOB_TTL_S).bucket_name

    def _dlq(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self, name, enforce_ssl=True, retention_period=Duration.days(14), removal_policy=RemovalPolicy.RETAIN
        )

    def _queue(self, name: str, dlq: sqs.Queue, visibility_s: int) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(visibility_s),
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.RETAIN,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dlq, max_receive_count=MAX_RECEIVE_COUNT),
        )

    def _secret(self, name: str, description: str) -> str:
        """Make a secret with a random value, which authenticates nobody until an operator puts the vendor's there."""
        secret = secretsmanager.Secret(self, name, description=description, removal_policy=RemovalPolicy.RETAIN)
        acknowledge(secret, "AwsSolutions-SMG4", "The vendor issues this value: only the vendor can rotate it.")
        return secret.secret_arn

"""The intake: `POST /notifications` is checked by API Gateway, stored in a queue, and answered 202. No function runs
before the answer; one begins an execution for each message afterwards.
"""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.nag import acknowledge
from headway_cdk.stacks import WorkflowsStack

RATE_PER_S, BURST_COUNT = 500, 1_000
"""Throttle of the API: above it a post is answered 429."""
VISIBILITY_S = 180
"""Six times the timeout of a project's function (Lambda developer guide, "Using Lambda with Amazon SQS")."""
RECEIVES = 5
BATCH_SIZE, AT_ONCE = 10, 2
TEXT = apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING, min_length=1, max_length=10_000)
NAME = apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING, pattern="^[A-Za-z0-9_-]{1,64}$")
"""What an execution may be called."""
FIELDS = {"notification_id": NAME, "to": TEXT, "subject": TEXT, "text": TEXT}
ANSWERS = {
    "202": ("2\\d{2}", '{"status":"stored"}'),
    "400": ("4\\d{2}", '{"status":"refused","reason":"empty or too large"}'),
    "503": ("5\\d{2}", '{"status":"unavailable","reason":"try again"}'),
}
"""Status -> pattern of the queue's answer, body."""


class Intake(Construct):
    """The API and its `queue`; the output `IntakeUrl` is where to post."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        dead_letters = self._queue("DeadLetters", None)
        self.queue = self._queue("Queue", sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=RECEIVES))
        acknowledge(dead_letters, "AwsSolutions-SQS3", "It is the dead-letter queue.")
        api = self._api()
        body = apigateway.JsonSchema(
            type=apigateway.JsonSchemaType.OBJECT,
            required=list(FIELDS),
            properties=FIELDS,
            additional_properties=False,
        )
        method = api.root.add_resource("notifications").add_method(
            "POST",
            self._store(),
            authorization_type=apigateway.AuthorizationType.NONE,
            request_models={"application/json": api.add_model("Notification", schema=body)},
            request_validator=api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
            method_responses=[apigateway.MethodResponse(status_code=status) for status in ANSWERS],
        )
        for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
            acknowledge(method, rule, "Citizens have no AWS identity.")
        acknowledge(api.deployment_stage, "AwsSolutions-APIG3", "Throttled; a web ACL is the operator's to add.")
        CfnOutput(scope, "IntakeUrl", value=f"{CloudChoice.of(self).api_url(api)}/notifications")

    def _queue(self, name: str, dead_letters: sqs.DeadLetterQueue | None) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_S),
            retention_period=Duration.days(14),
            dead_letter_queue=dead_letters,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _api(self) -> apigateway.RestApi:
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        return apigateway.RestApi(
            self,
            "Api",
            cloud_watch_role=False,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            deploy_options=apigateway.StageOptions(
                stage_name="v",
                access_log_destination=apigateway.LogGroupLogDestination(log_group),
                access_log_format=apigateway.AccessLogFormat.clf(),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                throttling_rate_limit=RATE_PER_S,
                throttling_burst_limit=BURST_COUNT,
            ),
        )

    def _store(self) -> apigateway.AwsIntegration:
        """Store a post as a message, in a role that may do nothing else."""
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.queue.queue_arn]))
        return apigateway.AwsIntegration(
            service="sqs",
            path=f"{Stack.of(self).account}/{self.queue.queue_name}",
            integration_http_method="POST",
            options=apigateway.IntegrationOptions(
                credentials_role=role,
                passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
                request_parameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
                request_templates={"application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"},
                integration_responses=[
                    apigateway.IntegrationResponse(
                        status_code=status, selection_pattern=pattern, response_templates={"application/json": body}
                    )
                    for status, (pattern, body) in ANSWERS.items()
                ],
            ),
        )


def begin_each(stack: WorkflowsStack, queue: str, *, function: str, machine: str) -> None:
    """Let a function take the messages of a queue that `ProjectApp.give` has named, and start a machine for each."""
    begins, begun = stack.functions[function].function, stack.machines[machine].machine
    begins.add_environment("MACHINE_ARN", begun.state_machine_arn)
    begun.grant_start_execution(begins)
    source = sources.SqsEventSource(
        sqs.Queue.from_queue_arn(stack, "Intake", stack.resources[queue].arn),
        batch_size=BATCH_SIZE,
        max_concurrency=AT_ONCE,
        report_batch_item_failures=True,
    )
    begins.add_event_source(source)

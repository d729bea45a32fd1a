"""The CDK app of the plain reference: the same architecture as Headway's, as small as it can be, in one stack.

A workflow asks by `sqs:sendMessage.waitForTaskToken`; Lambda polls the queue for a dispatcher, which pauses and starts
an Express execution per message; that invokes the caller, which reaches the vendor through a throttled proxy and keeps
job ID -> task token; a webhook's function resumes the workflow.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct
from headway_cdk import bundle
from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.constructs.lambda_function import MEMORY_MIB, RUNTIME
from headway_cdk.resources import LANE
from headway_lane.contract.dispatch import BATCH_SIZE, LEAST_CONCURRENCY
from headway_lane.contract.timing import VISIBILITY_TIMES

STACK = "PlainReference"
FUNCTIONS = Path(__file__).parents[1] / "functions"
FUNCTION_TIMEOUT_S = 30
CALLERS_COUNT = 24
"""As many as Headway's on a laptop (`headway.deployment.local.CALLERS_AT_MOST`): what is left takes callbacks."""


class PlainReference(Stack):
    """The stack. Its parameters: EmbeddedCloudUrl, VendorUrl, VendorToken, RatePerS, DelayMs."""

    def __init__(self, scope: Construct, construct_id: str, code: lambda_.Code) -> None:
        super().__init__(scope, construct_id)
        self._code = code
        jobs = dynamodb.Table(
            self,
            "Jobs",
            partition_key=dynamodb.Attribute(name="job_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        visibility = Duration.seconds(VISIBILITY_TIMES * FUNCTION_TIMEOUT_S)
        requests = sqs.Queue(self, "Requests", visibility_timeout=visibility)
        workflow = self._workflow(requests)

        callback = self._function("Callback", "take_callback", {"JOBS_TABLE": jobs.table_name})
        jobs.grant_read_data(callback)
        workflow.grant_task_response(callback)
        webhook = apigateway.LambdaRestApi(self, "Webhook", handler=callback, cloud_watch_role=False)

        environment = {
            "JOBS_TABLE": jobs.table_name,
            "PROXY_URL": CloudChoice.of(self).api_url(self._proxy()),
            "VENDOR_TOKEN": self._parameter("VendorToken", no_echo=True).value_as_string,
            "WEBHOOK_URL": f"{CloudChoice.of(self).api_url(webhook)}/",
        }
        caller = self._function("Caller", "call", environment, CALLERS_COUNT)
        jobs.grant_write_data(caller)
        express = self._express(caller)

        pause = {"CALL_MACHINE_ARN": express.state_machine_arn, "DELAY_MS": self._parameter("DelayMs").value_as_string}
        dispatcher = self._function("Dispatcher", "dispatch", pause, LEAST_CONCURRENCY)
        express.grant_start_execution(dispatcher)
        source = SqsEventSource(requests, batch_size=BATCH_SIZE, max_concurrency=LEAST_CONCURRENCY)
        dispatcher.add_event_source(source)
        for name, value in {
            "WorkflowArn": workflow.state_machine_arn,
            "RequestQueueUrl": requests.queue_url,
            "DispatcherName": dispatcher.function_name,
        }.items():
            CfnOutput(self, name, value=value)

    def _workflow(self, requests: sqs.Queue) -> sfn.StateMachine:
        ask = tasks.SqsSendMessage(
            self,
            "Ask",
            queue=requests,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            message_body=sfn.TaskInput.from_object(
                {"payload": sfn.JsonPath.object_at("$.payload"), "task_token": sfn.JsonPath.task_token}
            ),
            task_timeout=sfn.Timeout.duration(Duration.hours(1)),
        )
        return sfn.StateMachine(self, "Workflow", definition_body=sfn.DefinitionBody.from_chainable(ask))

    def _express(self, caller: lambda_.Function) -> sfn.StateMachine:
        invoke = tasks.LambdaInvoke(self, "Call", lambda_function=caller, retry_on_service_exceptions=False)
        invoke.add_retry(max_attempts=10, max_delay=Duration.seconds(15), jitter_strategy=sfn.JitterType.FULL)
        return sfn.StateMachine(
            self,
            "CallMachine",
            state_machine_type=sfn.StateMachineType.EXPRESS,
            definition_body=sfn.DefinitionBody.from_chainable(invoke),
        )

    def _proxy(self) -> apigateway.RestApi:
        """Draw the way to the vendor, throttled by its contract."""
        rate_per_s = self._parameter("RatePerS", "Number").value_as_number
        options = apigateway.StageOptions(throttling_rate_limit=rate_per_s, throttling_burst_limit=rate_per_s)
        api = apigateway.RestApi(self, "Proxy", cloud_watch_role=False, deploy_options=options)
        path = "request.path.proxy"
        integration = apigateway.HttpIntegration(
            f"{self._parameter('VendorUrl').value_as_string}/{{proxy}}",
            http_method="ANY",
            options=apigateway.IntegrationOptions(request_parameters={f"integration.{path}": f"method.{path}"}),
        )
        anything = api.root.add_resource("{proxy+}")
        anything.add_method("ANY", integration, request_parameters={f"method.{path}": True})
        return api

    def _function(
        self, name: str, entry: str, environment: Mapping[str, str], reserved_count: int | None = None
    ) -> lambda_.Function:
        return lambda_.Function(
            self,
            name,
            code=self._code,
            handler=f"handlers.{entry}",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MIB,
            timeout=Duration.seconds(FUNCTION_TIMEOUT_S),
            environment=dict(environment),
            reserved_concurrent_executions=reserved_count,
        )

    def _parameter(self, name: str, kind: str = "String", *, no_echo: bool = False) -> CfnParameter:
        return CfnParameter(self, name, type=kind, no_echo=no_echo)


def synthesize(scratch: Path) -> None:
    """Write the assembly; the code is Headway's bundle with these functions in the place of the lane."""
    folder = Path(shutil.copytree(bundle.built(), scratch / "code", ignore=shutil.ignore_patterns(LANE.name)))
    shutil.copy(FUNCTIONS / "handlers.py", folder)
    app = App()
    PlainReference(app, STACK, lambda_.Code.from_asset(str(folder)))
    app.synth()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        synthesize(Path(scratch))

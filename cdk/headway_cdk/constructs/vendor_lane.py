"""The lane of one vendor: everything between its request queues and its proxy, so that no vendor slows another.

`call_vendor` (hop 1) -> request queue, urgent or not (2) -> dispatcher (3, 4) -> `dispatch_call` -> caller (6, 7) ->
proxy (5) -> vendor; and for the way back, results (11).
"""

from collections.abc import Mapping

from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.contract import paths
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.vendor import (
    CHECK_BATCH_SIZE,
    EXPRESS_TIMEOUT_S,
    LEAST_CONCURRENCY,
    SETTLE_TIMEOUT_S,
    Drain,
    Vendor,
)
from headway_lane.ledger.store import JOB_TTL_S
from headway_lane.messages.claim import answers_folder, requests_folder, results_folder
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, Environment

from headway_cdk.constructs.function import PythonFunction
from headway_cdk.constructs.machine import Machine
from headway_cdk.constructs.proxy import VendorProxy
from headway_cdk.nag import acknowledge
from headway_cdk.stateful import CLAIMS_ARN_EXPORT, StatefulStack, VendorState
from headway_cdk.target import Target

READ_CONFIGURATION = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
LEDGER_READ = "dynamodb:GetItem"
LEDGER_CREATE = "dynamodb:PutItem"
LEDGER_CHANGE = "dynamodb:UpdateItem"


class VendorLane(Construct):
    """Functions, machines and proxy of one vendor."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vendor: Vendor,
        state: VendorState,
        stateful: StatefulStack,
        code: lambda_.Code,
        target: Target,
        application_id: str,
        configuration_arns: Mapping[str, str],
        callback_url: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vendor = vendor
        self._state = state
        self._stateful = stateful
        self._code = code
        self._configuration_arns = configuration_arns
        self.proxy = VendorProxy(self, "Proxy", vendor=vendor, base_url=target.base_url(vendor))
        self._environment = {
            Environment.VENDOR: vendor.name,
            Environment.CALLS_TABLE: stateful.calls.table_name,
            Environment.JOBS_TABLE: stateful.jobs.table_name,
            Environment.BUDGETS_TABLE: stateful.budgets.table_name,
            Environment.CONFIG_APPLICATION: application_id,
        }
        self._claiming = {Environment.CLAIMS_BUCKET: stateful.claims.bucket_name}
        limited = vendor.jobs_in_flight is not None
        self._in_flight = {Environment.IN_FLIGHT_TABLE: stateful.budgets.table_name} if limited else {}
        self._way_out = {
            Environment.PROXY_URL: target.api_url(self.proxy.api),
            Environment.PROXY_AUTH: target.proxy_auth(),
            **({Environment.API_TOKEN_SECRET: state.api_token.secret_arn} if state.api_token else {}),
        }
        self.results = self._results()
        self.call_vendor = self._call_vendor()
        self.rejection = self._rejection()
        self.dispatch_call = (
            self._dispatch_call_direct(callback_url) if vendor.dispatch.direct else self._dispatch_call(callback_url)
        )
        self.dispatcher = self._dispatcher()
        self.drain = self._drain()
        self.reconciler = self._reconciler(state.check_queue) if state.check_queue else None

    def _function(
        self, construct_id: str, handler: str, timeout_s: int, environment: Mapping[Environment, str]
    ) -> PythonFunction:
        return PythonFunction(
            self,
            construct_id,
            code=self._code,
            handler=handler,
            timeout_s=timeout_s,
            environment={**self._environment, **environment},
        )

    def _results(self) -> PythonFunction:
        """Make the function that gets a result: from the vendor, or from the ledger where it came with the callback."""
        if isinstance(self.vendor.result, Delivered):
            results = self._function(
                "Results", "results.handler.deliver", self.vendor.results_timeout_s, self._claiming
            )
            results.allow(READ_CONFIGURATION, self._configuration_arns[CONTRACT_PROFILE])
            results.allow([LEDGER_READ], self._stateful.jobs.table_arn)
            allow_claims(results, "s3:GetObject", answers_folder(self.vendor.name))
            allow_claims(results, "s3:PutObject", results_folder(self.vendor.name))
            return results
        environment = {**self._way_out, **self._claiming}
        results = self._function("Results", "results.handler.fetch", self.vendor.results_timeout_s, environment)
        self._allow_way_out(results)
        self.proxy.allow_poll(results.role)
        allow_claims(results, "s3:PutObject", results_folder(self.vendor.name))
        return results

    def _call_vendor(self) -> Machine:
        state, vendor = self._state, self.vendor
        return Machine(
            self,
            "CallVendor",
            workflow="call_vendor",
            express=False,
            values={
                "Vendor": vendor.name,
                "RequestQueueUrl": state.request_queue.queue_url,
                "UrgentQueueUrl": (state.urgent_queue or state.request_queue).queue_url,
                "ResultsFunctionArn": self.results.function.function_arn,
                "CallsTable": self._stateful.calls.table_name,
                "WorkflowTimeoutSeconds": vendor.workflow_timeout_s,
                "CallTimeoutSeconds": vendor.call_timeout_s,
                "CallHeartbeatSeconds": vendor.call_heartbeat_s,
                "ResultsTimeoutSeconds": vendor.results_timeout_s,
            },
            grants={
                "sqs:SendMessage": [queue.queue_arn for queue in state.request_queues],
                "lambda:InvokeFunction": [self.results.function.function_arn],
                LEDGER_CHANGE: [self._stateful.calls.table_arn],
            },
        )

    def _rejection(self) -> PythonFunction:
        dlq = self._state.request_dlq
        environment = {Environment.REQUEST_DLQ_URL: dlq.queue_url, **self._in_flight}
        rejection = self._function("Rejection", "settling.handler.reject", SETTLE_TIMEOUT_S, environment)
        rejection.allow([LEDGER_READ, LEDGER_CHANGE], self._stateful.calls.table_arn)
        self._allow_in_flight(rejection)
        rejection.allow(["sqs:SendMessage"], dlq.queue_arn)
        rejection.allow(["states:SendTaskFailure"], self.call_vendor.machine.state_machine_arn)
        return rejection

    def _dispatch_call(self, callback_url: str) -> Machine:
        environment = {**self._way_out, **self._in_flight, **self._claiming, Environment.CALLBACK_URL: callback_url}
        told_key = self._state.webhook_key if self.vendor.submit.callback_key else None
        if told_key:
            keys = {self.vendor.name: told_key.secret_arn}
            environment[Environment.WEBHOOK_SECRETS] = Stack.of(self).to_json_string(keys)
        if self._state.check_queue:
            environment[Environment.CHECK_QUEUE_URL] = self._state.check_queue.queue_url
        caller = self._function("Caller", "caller.handler.call", self.vendor.caller_timeout_s, environment)
        if told_key:
            told_key.grant_read(caller.role)
        if self._state.check_queue:
            caller.allow(["sqs:SendMessage"], self._state.check_queue.queue_arn)
        self._allow_way_out(caller)
        caller.allow(["execute-api:Invoke"], self.proxy.submit_arn)
        allow_claims(caller, "s3:GetObject", requests_folder(self.vendor.name))
        self.proxy.allow_lookup(caller.role)
        caller.allow(["sqs:SendMessage"], *(queue.queue_arn for queue in self._state.request_queues))
        self._allow_settling(caller)
        self.caller: PythonFunction | None = caller
        return Machine(
            self,
            "DispatchCall",
            workflow="dispatch_call",
            express=True,
            values={
                "CallerFunctionArn": caller.function.function_arn,
                "RejectionFunctionArn": self.rejection.function.function_arn,
                "CallerTimeoutSeconds": self.vendor.caller_timeout_s,
                "SettleTimeoutSeconds": SETTLE_TIMEOUT_S,
                "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
            },
            grants={
                "lambda:InvokeFunction": [caller.function.function_arn, self.rejection.function.function_arn],
            },
        )

    def _dispatch_call_direct(self, callback_url: str) -> Machine:
        vendor, api = self.vendor, self.proxy.api
        joining = self._function("Joining", "settling.handler.join", SETTLE_TIMEOUT_S, self._in_flight)
        self._allow_settling(joining)
        self.caller = None
        stack = Stack.of(self)
        return Machine(
            self,
            "DispatchCall",
            workflow="dispatch_call_direct",
            express=True,
            values={
                "Vendor": vendor.name,
                "CallsTable": self._stateful.calls.table_name,
                "JobsTable": self._stateful.jobs.table_name,
                "JobTtlSeconds": JOB_TTL_S,
                "ProxyHost": f"{api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}",
                "ProxyStage": api.deployment_stage.stage_name,
                "SubmitMethod": vendor.submit.method,
                "SubmitPath": vendor.submit.path,
                "SubmitFields": paths.write(vendor.submit.fields, str(vendor.submit.callback_url), callback_url),
                "JobIdPath": str(vendor.submit.job_id),
                "RejectionFunctionArn": self.rejection.function.function_arn,
                "JoiningFunctionArn": joining.function.function_arn,
                "SettleTimeoutSeconds": SETTLE_TIMEOUT_S,
                "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
            },
            grants={
                "execute-api:Invoke": [self.proxy.submit_arn],
                LEDGER_CHANGE: [self._stateful.calls.table_arn, self._stateful.jobs.table_arn],
                "lambda:InvokeFunction": [self.rejection.function.function_arn, joining.function.function_arn],
            },
        )

    def _dispatcher(self) -> PythonFunction:
        """Make the dispatcher on one event source mapping per queue; provisioned concurrency hangs on an alias."""
        dispatch = self.vendor.dispatch
        dispatcher = PythonFunction(
            self,
            "Dispatcher",
            code=self._code,
            handler="dispatcher.handler.dispatch",
            timeout_s=self.vendor.dispatcher_timeout_s,
            environment=self._dispatching_environment(),
            reserved_concurrency=dispatch.reserved_concurrency,
        )
        self._allow_dispatching(dispatcher)
        polled: lambda_.IFunction = dispatcher.function
        if dispatch.provisioned_concurrency:
            polled = lambda_.Alias(
                self,
                "Live",
                alias_name="live",
                version=dispatcher.function.current_version,
                provisioned_concurrent_executions=dispatch.provisioned_concurrency,
            )
        self._poll(self._state.request_queue, polled, dispatch.maximum_concurrency)
        if self._state.urgent_queue:
            self._poll(self._state.urgent_queue, polled, dispatch.urgent_concurrency)
        return dispatcher

    def _poll(self, queue: sqs.Queue, dispatcher: lambda_.IFunction, maximum_concurrency: int) -> None:
        dispatch = self.vendor.dispatch
        dispatcher.add_event_source(
            event_sources.SqsEventSource(
                queue,
                batch_size=dispatch.batch_size,
                max_batching_window=Duration.seconds(dispatch.batching_window_s),
                max_concurrency=maximum_concurrency,
                report_batch_item_failures=True,
                enabled=dispatch.drain is Drain.EVENT_SOURCE,
            )
        )

    def _drain(self) -> PythonFunction:
        """Make the interval way: the same dispatching, started by a schedule where the contract says so."""
        dispatch = self.vendor.dispatch
        environment = self._dispatching_environment()
        drain = self._function("Drain", "dispatcher.handler.drain", self.vendor.dispatcher_timeout_s, environment)
        self._allow_dispatching(drain)
        queue_arns = [queue.queue_arn for queue in self._state.request_queues]
        drain.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], *queue_arns)
        role = iam.Role(self, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[drain.function.function_arn])
        )
        unit = "minute" if dispatch.interval_minutes == 1 else "minutes"
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description=f"Headway: drains the request queues of {self.vendor.name} at intervals",
            schedule_expression=f"rate({dispatch.interval_minutes} {unit})",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            state="ENABLED" if dispatch.drain is Drain.SCHEDULE else "DISABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=drain.function.function_arn,
                role_arn=role.role_arn,
                input=f'{{"batch_size": {dispatch.batch_size}}}',
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
            ),
        )
        return drain

    def _reconciler(self, check_queue: sqs.Queue) -> PythonFunction:
        """Make the function that asks about jobs whose callback does not come."""
        environment = {**self._way_out, **self._in_flight, Environment.CHECK_QUEUE_URL: check_queue.queue_url}
        timeout_s = self.vendor.reconciler_timeout_s
        reconciler = self._function("Reconciler", "reconciler.handler.check", timeout_s, environment)
        reconciler.function.add_event_source(
            event_sources.SqsEventSource(
                check_queue,
                batch_size=CHECK_BATCH_SIZE,
                max_concurrency=LEAST_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )
        self._allow_way_out(reconciler)
        self.proxy.allow_check(reconciler.role)
        self._allow_settling(reconciler)
        reconciler.allow([LEDGER_READ], self._stateful.jobs.table_arn)
        reconciler.allow(["sqs:SendMessage"], check_queue.queue_arn)
        return reconciler

    def _dispatching_environment(self) -> dict[Environment, str]:
        machine_arn = self.dispatch_call.machine.state_machine_arn
        return {
            **self._environment,
            **self._in_flight,
            Environment.DISPATCH_MACHINE_ARN: machine_arn,
            Environment.REQUEST_QUEUE_URLS: " ".join(queue.queue_url for queue in self._state.request_queues),
        }

    def _allow_dispatching(self, function: PythonFunction) -> None:
        function.allow([LEDGER_CREATE, LEDGER_READ], self._stateful.calls.table_arn)
        self._allow_reserving(function)
        self._allow_in_flight(function)
        function.allow(["sqs:SendMessage"], *(queue.queue_arn for queue in self._state.request_queues))
        function.allow(["states:StartExecution"], self.dispatch_call.machine.state_machine_arn)
        function.allow(["states:SendTaskFailure"], self.call_vendor.machine.state_machine_arn)

    def _allow_reserving(self, function: PythonFunction) -> None:
        """Allow a function to know the contract and the tuning, and to reserve permits by them."""
        profiles = (CONTRACT_PROFILE, TUNING_PROFILE)
        function.allow(READ_CONFIGURATION, *(self._configuration_arns[name] for name in profiles))
        function.allow([LEDGER_READ, LEDGER_CREATE], self._stateful.budgets.table_arn)

    def _allow_in_flight(self, function: PythonFunction) -> None:
        """Allow a function to take in-flight permits or to give them back, where the contract limits jobs in flight."""
        if self._in_flight:
            function.allow([LEDGER_CHANGE], self._stateful.budgets.table_arn)

    def _allow_way_out(self, function: PythonFunction) -> None:
        self._allow_reserving(function)
        if self._state.api_token is not None:
            self._state.api_token.grant_read(function.role)

    def _allow_settling(self, function: PythonFunction) -> None:
        function.allow([LEDGER_READ, LEDGER_CHANGE], self._stateful.calls.table_arn)
        function.allow([LEDGER_CHANGE], self._stateful.jobs.table_arn)
        self._allow_in_flight(function)
        allow_answering(function, self.call_vendor)


def allow_claims(function: PythonFunction, action: str, folder: str) -> None:
    """Allow a function to read or to write the claim checks of a folder."""
    function.allow([action], f"{Fn.import_value(CLAIMS_ARN_EXPORT)}/{folder}/*")
    finding = f"Resource::{CLAIMS_ARN_EXPORT}/{folder}/*"
    acknowledge(function.role, f"AwsSolutions-IAM5[{finding}]", "The wildcard is the hash of what lies there.")


def allow_answering(function: PythonFunction, machine: Machine) -> None:
    """Allow a function to settle the waiting tasks of a machine."""
    actions = ["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"]
    function.allow(actions, machine.machine.state_machine_arn)

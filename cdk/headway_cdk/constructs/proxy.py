"""The rate-limited way out (hop 5): an API Gateway HTTP proxy in front of one vendor, throttled from its contract.

The throttle is documented as best effort, so it is the second fence, never the limiter.
"""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct
from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Fence, Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CREDENTIAL_HEADER

from headway_cdk.nag import acknowledge
from headway_cdk.parameters import PROXY_STAGE, granted_path, poll_verbs

INTEGRATION_TIMEOUT_S = 29
"""The longest that API Gateway waits for a back end by default (service quotas)."""


class VendorProxy(Construct):
    """Any path of the vendor: submits by its submit method, polls by GET or HEAD where the contract has them, each with
    the throttle of its scope.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vendor: Vendor, base_url: str) -> None:
        super().__init__(scope, construct_id)
        self._vendor = vendor
        self._base_url = base_url
        submit = vendor.fence(Scope.SUBMIT)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.api = apigateway.RestApi(
            self,
            "Api",
            description=f"Headway: the way to {vendor.name}",
            cloud_watch_role=False,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            deploy_options=apigateway.StageOptions(
                stage_name=PROXY_STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(log_group),
                access_log_format=access_log_format(),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                throttling_rate_limit=submit.rate_per_s if submit else None,
                throttling_burst_limit=submit.burst_count if submit else None,
                method_options={f"/{{proxy+}}/{verb}": _throttle(vendor.poll_fence) for verb in poll_verbs(vendor)},
            ),
        )
        anything = self.api.root.add_resource("{proxy+}")
        self.methods = [self._method(anything, verb) for verb in (vendor.submit.method, *poll_verbs(vendor))]
        for method in self.methods:
            acknowledge(method, "AwsSolutions-COG4", "Functions call this API with IAM: no user is involved.")
        acknowledge(
            self.api, "AwsSolutions-APIG2", "A proxy passes on what the contract describes; the vendor validates."
        )
        acknowledge(
            self.api.deployment_stage,
            "AwsSolutions-APIG3",
            "Reached with IAM by our own functions only: no public door.",
        )

    @property
    def submit_arn(self) -> str:
        """ARN for `execute-api:Invoke` of the submit call, and of nothing else."""
        return self.api.arn_for_execute_api(self._vendor.submit.method, self._vendor.submit.path, PROXY_STAGE)

    def allow_poll(self, role: iam.Role) -> None:
        """Allow a role to fetch the result of any job."""
        if isinstance(self._vendor.result, Fetched):
            self._allow(role, "GET", self._vendor.result.path)

    def allow_check(self, role: iam.Role) -> None:
        """Allow a role to ask how any job stands."""
        if self._vendor.poll:
            self._allow(role, self._vendor.poll.method, self._vendor.poll.path)

    def allow_lookup(self, role: iam.Role) -> None:
        """Allow a role to look up the job of any submit."""
        if self._vendor.submit.lookup:
            self._allow(role, "GET", self._vendor.submit.lookup.path)

    def _allow(self, role: iam.Role, verb: str, path: str) -> None:
        """Allow a role to call a path, in which an ID is a wildcard; IAM does not see what is in the query."""
        path = granted_path(path)
        arn = self.api.arn_for_execute_api(verb, path, PROXY_STAGE)
        role.add_to_policy(iam.PolicyStatement(actions=["execute-api:Invoke"], resources=[arn]))
        if "*" not in path:
            return
        api_id = Stack.of(self).get_logical_id(cast("apigateway.CfnRestApi", self.api.node.default_child))
        api = f"arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<{api_id}>"
        finding = f"Resource::{api}/{PROXY_STAGE}/{verb}{path}"
        acknowledge(role, f"AwsSolutions-IAM5[{finding}]", "The wildcard is the job ID, or our key of it.")

    def _method(self, resource: apigateway.Resource, verb: str) -> apigateway.Method:
        parameters = {"method.request.path.proxy": True}
        mapping = {"integration.request.path.proxy": "method.request.path.proxy"}
        if self._vendor.credential is not None:
            credential = f"method.request.header.{CREDENTIAL_HEADER}"
            parameters[credential] = False
            mapping[f"integration.request.header.{self._vendor.credential.header}"] = credential
        return resource.add_method(
            verb,
            apigateway.HttpIntegration(
                f"{self._base_url}/{{proxy}}",
                http_method=verb,
                proxy=True,
                options=apigateway.IntegrationOptions(
                    request_parameters=mapping, timeout=Duration.seconds(INTEGRATION_TIMEOUT_S)
                ),
            ),
            authorization_type=apigateway.AuthorizationType.IAM,
            request_parameters=parameters,
        )


def access_log_format() -> apigateway.AccessLogFormat:
    """Return who, what, how fast and with which answer; no bodies, no query strings, no headers."""
    return apigateway.AccessLogFormat.json_with_standard_fields(
        caller=False,
        http_method=True,
        ip=True,
        protocol=False,
        request_time=True,
        resource_path=True,
        response_length=True,
        status=True,
        user=False,
    )


def _throttle(fence: Fence) -> apigateway.MethodDeploymentOptions:
    return apigateway.MethodDeploymentOptions(
        throttling_rate_limit=fence.rate_per_s, throttling_burst_limit=fence.burst_count
    )

"""The rate-limited way out (hop 5): an API Gateway HTTP proxy in front of one vendor, throttled from its contract.

The throttle is documented as best effort, so it is the second fence, never the limiter.
"""

from collections.abc import Iterator, Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct
from headway_lane.contract.exchange import Fetched
from headway_lane.contract.fences import Fence
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CANCEL_PREFIX, CREDENTIAL_HEADER
from headway_lane.runtime.needs import Resource

from headway_cdk.hidden_headers import HIDDEN
from headway_cdk.nag import acknowledge
from headway_cdk.parameters import PROXY_STAGE, granted_path, poll_verbs

ANY_PATH = "{proxy+}"
INTEGRATION_TIMEOUT_S = 29
"""The longest that API Gateway waits for a back end by default (service quotas)."""


class VendorProxy(Construct):
    """Any path of the vendor: submits by its submit method, polls by GET or HEAD where the contract has them, each with
    the throttle of its scope; cancels by a door of their own, because their method is the submit's often.
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
                method_options={place: _throttle(vendor.poll_fence) for place in _beside_submits(vendor)},
            ),
        )
        anything = self.api.root.add_resource(ANY_PATH)
        self.methods = [self._method(anything, verb) for verb in (vendor.submit.method, *poll_verbs(vendor))]
        if vendor.cancel:
            door = self.api.root.add_resource(CANCEL_PREFIX.strip("/")).add_resource(ANY_PATH)
            self.methods.append(self._method(door, vendor.cancel.method))
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

    @property
    def polled(self) -> Mapping[Resource, str]:
        """ARNs of what else the contract lets call, by the resource that a grant names; an ID in a path is a wildcard,
        and IAM does not see what is in the query.
        """
        vendor = self._vendor
        calls: dict[Resource, tuple[str, str]] = {}
        if isinstance(vendor.result, Fetched):
            calls[Resource.RESULT_PATH] = ("GET", vendor.result.path)
        if vendor.poll:
            calls[Resource.POLL_PATH] = (vendor.poll.method, vendor.poll.path)
        if vendor.submit.lookup:
            calls[Resource.LOOKUP_PATH] = ("GET", vendor.submit.lookup.path)
        if vendor.cancel:
            calls[Resource.CANCEL_PATH] = (vendor.cancel.method, CANCEL_PREFIX + vendor.cancel.path)
        return {
            resource: self.api.arn_for_execute_api(verb, granted_path(path), PROXY_STAGE)
            for resource, (verb, path) in calls.items()
        }

    def _method(self, resource: apigateway.Resource, verb: str) -> apigateway.Method:
        parameters = {"method.request.path.proxy": True}
        mapping = {"integration.request.path.proxy": "method.request.path.proxy", **HIDDEN}
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


def _beside_submits(vendor: Vendor) -> Iterator[str]:
    """Yield the methods of the proxy that are no submit, as a stage names them."""
    for verb in poll_verbs(vendor):
        yield f"/{ANY_PATH}/{verb}"
    if vendor.cancel:
        yield f"{CANCEL_PREFIX}/{ANY_PATH}/{vendor.cancel.method}"


def _throttle(fence: Fence) -> apigateway.MethodDeploymentOptions:
    return apigateway.MethodDeploymentOptions(
        throttling_rate_limit=fence.rate_per_s, throttling_burst_limit=fence.burst_count
    )

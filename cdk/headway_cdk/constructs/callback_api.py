"""The callback API of a vendor (hops 8 and 9): a partner's POST becomes an SQS message by a mapping template,
and is answered 202.

No function runs before the answer: the inbox stores first and matches later, so a slow or broken consumer never makes a
vendor give up on a callback.
"""

from collections.abc import Mapping

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct
from headway_lane.contract.exchange import Callback, Handshake
from headway_lane.contract.vendor import Vendor
from headway_lane.messages.envelope import mapping_template
from headway_lane.verification.schemes import scheme_of

from headway_cdk.constructs.vendor_proxy import access_log_format
from headway_cdk.nag import acknowledge
from headway_cdk.state_references import StateReferences, queue_name

RATE_PER_S = 500
BURST_COUNT = 1_000
"""Throttle of the whole API: a flood is answered 429, which vendors retry, before it costs anything."""

REFUSALS: Mapping[str, tuple[str, str]] = {
    "400": (r"4\d{2}", '{"status":"refused","reason":"the queue does not take this body: empty or too large"}'),
    "503": (r"5\d{2}", '{"status":"unavailable","reason":"try again"}'),
}
"""Status -> pattern of the queue's answer, body. The queue's success is answered as the contract says."""

RETRY_AFTER_S = 1
"""Said with every 429 (CloudEvents web hooks ask for it): the bucket of the throttle is full again within seconds."""


class CallbackApi(Construct):
    """`POST /callbacks/<vendor>` into the vendor's callback queue."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vendor: Vendor, role_name: str, state: StateReferences, url: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._queue_name = queue_name(url)
        self._role = iam.Role(
            self, "Role", role_name=role_name, assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com")
        )
        self._role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[state.queue_arn(url)]))
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.api = apigateway.RestApi(
            self,
            "Api",
            description=f"Headway: where {vendor.name} calls back",
            cloud_watch_role=False,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],  # what is signed is bytes: none of them may be taken for text and patched
            deploy_options=apigateway.StageOptions(
                stage_name="v",
                access_log_destination=apigateway.LogGroupLogDestination(log_group),
                access_log_format=access_log_format(),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                throttling_rate_limit=RATE_PER_S,
                throttling_burst_limit=BURST_COUNT,
            ),
        )
        self.api.add_gateway_response(
            "Throttled",
            type=apigateway.ResponseType.THROTTLED,
            status_code="429",
            response_headers={"Retry-After": f"'{RETRY_AFTER_S}'"},
        )
        callback = vendor.callbacks()
        door = self.api.root.add_resource("callbacks").add_resource(vendor.name)
        method = self._method(door, vendor.name, callback)
        if callback.handshake:
            acknowledge(_handshake(door, callback.handshake), "AwsSolutions-APIG4", "It says what anybody may know.")
        reason = "Partners have no AWS identity: the callback function verifies their signature over the raw body."
        acknowledge(method, "AwsSolutions-APIG4", reason)
        acknowledge(method, "AwsSolutions-COG4", reason)
        acknowledge(self.api, "AwsSolutions-APIG2", "Store first, judge later: some vendors treat any 4xx as final.")
        acknowledge(
            self.api.deployment_stage, "AwsSolutions-APIG3", "Throttled and signed; a web ACL is the operator's to add."
        )

    def _method(self, resource: apigateway.Resource, vendor_name: str, callback: Callback) -> apigateway.Method:
        scheme = scheme_of(callback.verification)
        template = mapping_template(vendor_name, scheme.headers, scheme.query)
        success = str(callback.acknowledgement.status)
        responses = {success: (None, callback.acknowledgement.body), **REFUSALS}
        integration = apigateway.AwsIntegration(
            service="sqs",
            path=f"{Stack.of(self).account}/{self._queue_name}",
            integration_http_method="POST",
            options=apigateway.IntegrationOptions(
                credentials_role=self._role,
                passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
                content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,  # as base64, for the template
                request_parameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
                request_templates=dict.fromkeys(callback.taken_content_types, template),
                integration_responses=[
                    apigateway.IntegrationResponse(
                        status_code=status,
                        selection_pattern=pattern,
                        content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,  # a template takes nothing else
                        response_templates={"application/json": body},
                    )
                    for status, (pattern, body) in responses.items()
                ],
            ),
        )
        return resource.add_method(
            "POST",
            integration,
            authorization_type=apigateway.AuthorizationType.NONE,
            method_responses=[apigateway.MethodResponse(status_code=status) for status in responses],
        )


def _handshake(resource: apigateway.Resource, handshake: Handshake) -> apigateway.Method:
    """Answer an OPTIONS request as the contract says, without asking anybody."""
    said = {
        "WebHook-Allowed-Origin": handshake.allowed_origin,
        "WebHook-Allowed-Rate": str(handshake.allowed_rate_per_min),
        "Allow": "POST",
    }
    integration = apigateway.MockIntegration(
        passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
        content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
        request_templates={"application/json": '{"statusCode": 200}'},
        integration_responses=[
            apigateway.IntegrationResponse(
                status_code="200",
                content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
                response_parameters={f"method.response.header.{name}": f"'{value}'" for name, value in said.items()},
                response_templates={"application/json": ""},
            )
        ],
    )
    return resource.add_method(
        "OPTIONS",
        integration,
        authorization_type=apigateway.AuthorizationType.NONE,
        method_responses=[
            apigateway.MethodResponse(
                status_code="200", response_parameters={f"method.response.header.{name}": True for name in said}
            )
        ],
    )

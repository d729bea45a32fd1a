"""All that differs between AWS and the embedded cloud, behind one stack parameter and one condition.

The embedded cloud has no DNS of its own, and nobody wants to wait there for a gradual deployment. Everything else in
the template is the same.
"""

from typing import Final, Self, cast

from aws_cdk import CfnCondition, CfnParameter, Fn, Stack, Token
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct
from headway_lane.contract.vendor import Vendor

from headway_cdk.parameters import EMBEDDED_URL_PARAMETER, base_url_parameter

_ID: Final = "Target"


class CloudChoice(Construct):
    """The parameter, the condition, and the choices that hang on them: one for a stack."""

    @classmethod
    def of(cls, scope: Construct) -> Self:
        """Return the choice of a scope's stack."""
        stack = Stack.of(scope)
        known = stack.node.try_find_child(_ID)
        return cast("Self", known) if known else cls(stack)

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, _ID)
        self._stack = stack
        self._url = CfnParameter(
            stack,
            EMBEDDED_URL_PARAMETER,
            type="String",
            default="",
            description="Where the embedded cloud listens; empty on AWS.",
        )
        self._embedded = CfnCondition(
            stack,
            "IsEmbeddedCloud",
            expression=Fn.condition_not(Fn.condition_equals(self._url.value_as_string, "")),
        )

    def api_url(self, api: apigateway.RestApi) -> str:
        """Return the base URL of an API's stage, without a slash at the end."""
        stage = api.deployment_stage.stage_name
        return Token.as_string(
            Fn.condition_if(
                self._embedded.logical_id,
                f"{self._url.value_as_string}/_aws/execute-api/{api.rest_api_id}/{stage}",
                f"https://{api.rest_api_id}.execute-api.{self._stack.region}.{self._stack.url_suffix}/{stage}",
            )
        )

    def gradual_minutes(self, minutes: int) -> int:
        """Return a duration of a gradual deployment; zero on the embedded cloud."""
        return int(Token.as_number(Fn.condition_if(self._embedded.logical_id, 0, minutes)))

    def base_url(self, vendor: Vendor) -> str:
        """Return where the vendor is: its contract's URL; on the embedded cloud, what the parameter says.

        The URL is no default of the parameter: `cdk deploy` keeps the value that a parameter had, and would never pass
        on a changed one.
        """
        given = CfnParameter(
            self._stack,
            base_url_parameter(vendor.name),
            type="String",
            default="",
            description=f"Where {vendor.name} is, on the embedded cloud.",
        )
        return Token.as_string(Fn.condition_if(self._embedded.logical_id, given.value_as_string, vendor.base_url))

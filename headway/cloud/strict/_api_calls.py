"""A machine signs its call of an API in its role, or is named by the API's resource policy, or signs nothing.

"Authentication and authorization" in the Step Functions guide's page on API Gateway. In its role it needs
`execute-api:Invoke`, as everybody who signs: the gateway decides. Of a resource policy the service itself is the
principal, and the machine is `aws:SourceArn`; the gateway here cannot be asked that, so it is decided before the call.
"""

import json
from typing import Final

from botocore.credentials import Credentials
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import apigateway_v1, stepfunctions

from headway.cloud.patches import api_calls
from headway.cloud.strict._decisions import DECISIONS, Request
from headway.cloud.strict._roles import acting, context, session_of

INVOKE: Final = "execute-api:Invoke"


def apply() -> None:
    """Let a machine's role, or the API's policy, decide."""
    plain = api_calls.credentials_of

    def credentials_in_role(auth_type: str, arn: str) -> Credentials | None:
        actor = acting()
        if actor is None or auth_type == api_calls.NO_AUTH:
            return plain(auth_type, arn)
        if auth_type == api_calls.IAM_ROLE:
            try:
                return session_of(actor)
            except PermissionError as error:
                raise _forbidden(str(error)) from error
        if message := policy_denial(actor.service, actor.source_arn, arn):
            raise _forbidden(message)
        return plain(auth_type, arn)

    api_calls.credentials_of = credentials_in_role


def policy_denial(service: str, machine_arn: str, arn: str) -> str | None:
    """Return the gateway's message where the API's policy does not let a service call for a machine; note it."""
    told = {"aws:sourceaccount": get_account_id(), "aws:sourcearn": machine_arn}
    policy, _ = apigateway_v1.rest_api_policy_for_arn(arn) or ("", "")
    asked = context(service, INVOKE, arn, told)
    request = Request(service, INVOKE, arn)
    if iam_evaluator.evaluate_resource_policy(policy, asked, service).decision == "Allow":
        DECISIONS.allow(request)
        return None
    message = (
        f"User: {service} is not authorized to perform: {INVOKE} on resource: {arn} "
        f"because no resource-based policy allows the {INVOKE} action"
    )
    DECISIONS.deny(request, message)
    return message


def _forbidden(message: str) -> Exception:
    """Return what a task fails with, with the words of the gateway's answer."""
    problem: Exception = stepfunctions._ExecutionError("ApiGateway.403", json.dumps({"Message": message}))
    return problem

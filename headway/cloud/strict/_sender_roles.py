"""API Gateway sends to a queue in the integration's role, EventBridge Scheduler calls its target in the schedule's, and
a rule of EventBridge sends to a queue whose own policy lets it in, and starts a state machine in its target's role.

API Gateway answers with what the queue says, here 403; a schedule whose role may not, or may not be assumed, calls
nothing (developer guides: "Granting permissions for an AWS service integration", "Execution role"), and what a queue
does not let in is lost, as is what a rule may not start (EventBridge user guide, "Using resource-based policies",
"Amazon SQS permissions"; "Using IAM roles", "Step Functions"). ministack does all four in nobody's role.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack.core.iam_actions import extract_resource_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway_v1, eventbridge, sqs

from headway.cloud.strict._roles import Actor, denial

GATEWAY: Final = "apigateway.amazonaws.com"
SCHEDULER: Final = "scheduler.amazonaws.com"
EVENTS: Final = "events.amazonaws.com"
_TARGETS: Final = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "states": "states:StartExecution"}
"""What a schedule's role needs, by the service of its target."""

_integrating: ContextVar[Actor | None] = ContextVar("integrating", default=None)


def target_refused(role_arn: str, source_arn: str, target_arn: str, service: str = SCHEDULER) -> str | None:
    """Return AWS's message where a schedule, or a rule of another service, may not call its target."""
    action = _TARGETS.get(target_arn.split(":")[2] if target_arn.count(":") > 4 else "")
    if action is None:
        return None
    return denial(Actor(role_arn, service, source_arn, "schedule"), action, target_arn)


def apply() -> None:
    """Ask before an integration sends, and before a schedule calls."""
    invoke = apigateway_v1._invoke_sqs_v1
    dispatch = sqs._dispatch
    call = eventbridge._invoke_target

    async def invoke_in_role(integration: Mapping[str, Any], *rest: Any, **options: Any) -> Any:
        credentials = integration.get("credentials")
        if not credentials:
            return await invoke(integration, *rest, **options)
        token = _integrating.set(Actor(str(credentials), GATEWAY, "", "BackplaneAssumeRoleSession"))
        try:
            return await invoke(integration, *rest, **options)
        finally:
            _integrating.reset(token)

    async def dispatch_allowed(action: str, data: Mapping[str, Any], url: str) -> Any:
        actor = _integrating.get()
        if actor is not None:
            arn = extract_resource_arn("sqs", "POST", "/", {}, b"", {"QueueUrl": url}, get_region(), get_account_id())
            if message := denial(actor, f"sqs:{action.removesuffix('Batch')}", arn):
                raise sqs._Err("AccessDenied", message, 403)
        return await dispatch(action, data, url)

    def call_allowed(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], *rest: Any) -> Any:
        rule_arn, target_arn = str(rule.get("Arn", "")), str(target.get("Arn", ""))
        service = rule_arn.split(":")[2:3]
        if service == ["scheduler"] and target_refused(str(target.get("RoleArn", "")), rule_arn, target_arn):
            return None
        called = target_arn.split(":")[2:3] if service == ["events"] else []
        if called == ["sqs"] and not sqs.queue_policy_allows(target_arn, EVENTS, rule_arn, get_account_id()):
            return None
        if called == ["states"] and target_refused(str(target.get("RoleArn", "")), rule_arn, target_arn, EVENTS):
            return None
        return call(target, event, rule, *rest)

    apigateway_v1._invoke_sqs_v1 = invoke_in_role
    sqs._dispatch = dispatch_allowed
    eventbridge._invoke_target = call_allowed

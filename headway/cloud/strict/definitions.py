"""Definitions that AWS refuses are refused at creation and at update, and by CloudFormation: InvalidDefinition.

AWS reads a definition before it makes a machine of it: the form of every state, transitions, JSONata, and what an
Express machine cannot do ("State machine structure" and "Transforming data with JSONata" in the Step Functions guide;
botocore's model has the codes at `ValidateStateMachineDefinition`). It takes 1,048,576 characters at most and wants
the ARN of a role. ministack parses JSONata and takes the rest as it is; CloudFormation it does not check at all. We
wrap what creates and updates, and let the validation itself answer as well.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from headway.asl.diagnostics import Diagnostic, message_of
from headway.asl.form import diagnostics
from headway.cloud.strict._roles import ROLE_ARN

CHARACTERS_MOST: Final = 1_048_576
"""Greatest length of a definition: shape `Definition` of botocore's model of Step Functions."""
DIAGNOSTICS_MOST: Final = 100
"""Default and greatest `maxResults` of ValidateStateMachineDefinition."""
RESOURCE_TYPE: Final = "AWS::StepFunctions::StateMachine"

Refusal = tuple[str, str]
"""A code of Step Functions and its message."""


def apply() -> None:
    """Read every definition before ministack keeps it."""
    stepfunctions._validate_definition_jsonata = lambda _definition: None  # it reads Comments and JSONPath too
    stepfunctions._create_state_machine = _checked(stepfunctions._create_state_machine, _of_create)
    stepfunctions._update_state_machine = _checked(stepfunctions._update_state_machine, _of_update)
    stepfunctions._validate_state_machine_definition = _validate
    create = _checked_in_templates(provisioners._sfn_state_machine_create)
    provisioners._sfn_state_machine_create = create
    provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE]["create"] = create


def refusal_of(definition: Any, kind: str, role_arn: Any) -> Refusal | None:
    """Return how AWS refuses a machine of these, or None if it takes them."""
    text = definition if isinstance(definition, str) else ""
    if not 1 <= len(text) <= CHARACTERS_MOST:
        bound = f"less than or equal to {CHARACTERS_MOST}" if text else "greater than or equal to 1"
        return "ValidationException", (
            "1 validation error detected: Value at 'definition' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )
    if not isinstance(role_arn, str) or not ROLE_ARN.fullmatch(role_arn):
        return "InvalidArn", f"Invalid Role Arn: '{role_arn}'"
    found = _diagnostics(text, kind)
    return ("InvalidDefinition", message_of(found)) if found else None


@lru_cache(64)
def _diagnostics(text: str, kind: str) -> tuple[Diagnostic, ...]:
    """Return them; a stack that is deployed again brings the texts that are known."""
    return tuple(diagnostics(text, kind))


def _of_create(data: Mapping[str, Any]) -> Refusal | None:
    return refusal_of(data.get("definition"), data.get("type", "STANDARD"), data.get("roleArn"))


def _of_update(data: Mapping[str, Any]) -> Refusal | None:
    machine = stepfunctions._state_machines.get(data.get("stateMachineArn"))
    if machine is None:
        return None
    definition, role_arn = (data.get(name, machine[name]) for name in ("definition", "roleArn"))
    return refusal_of(definition, machine["type"], role_arn)


def _checked(operation: Callable[..., Any], refusal: Callable[[Mapping[str, Any]], Refusal | None]) -> Any:
    def check_first(data: Mapping[str, Any]) -> Any:
        refused = refusal(data)
        return error_response_json(*refused, 400) if refused else operation(data)

    return check_first


def _checked_in_templates(create: Callable[..., Any]) -> Any:
    def check_first(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        kind = properties.get("StateMachineType", "STANDARD")
        refused = refusal_of(provisioners._sfn_definition(properties), kind, properties.get("RoleArn"))
        if refused:
            code, message = refused
            raise provisioners._sfn_handler_error(
                f"{message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {code})"
            )
        return create(logical_id, properties, stack_name)

    return check_first


def _validate(data: Mapping[str, Any]) -> Any:
    """Answer ValidateStateMachineDefinition, which ministack finds nothing with."""
    found = _diagnostics(data.get("definition", ""), data.get("type", "STANDARD"))
    most = data.get("maxResults") or DIAGNOSTICS_MOST
    shown = [
        {"severity": "ERROR", "code": each.code, "message": each.message}
        | ({} if each.location is None else {"location": each.location})
        for each in found[:most]
    ]
    return json_response(
        {"result": "FAIL" if found else "OK", "diagnostics": shown, "truncated": len(found) > len(shown)}
    )

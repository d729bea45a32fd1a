"""What AWS checks of a role when a function, a machine, a mapping or a schedule is made, by API or by template.

ministack's templates take another way than its API, so each check has two places.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import lambda_svc, scheduler, stepfunctions
from ministack.services.cloudformation import provisioners

from headway.cloud.strict._function_roles import LAMBDA, polling_refused
from headway.cloud.strict._machine_roles import STATES, log_refused
from headway.cloud.strict._roles import ROLE_ARN, trusted
from headway.cloud.strict._sender_roles import SCHEDULER

Check = Callable[[Mapping[str, Any]], str | None]
"""Takes the properties of a template's resource, and returns why it may not be made."""

_FUNCTION: Final = "The role defined for the function cannot be assumed by Lambda."
_MACHINE: Final = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role."
)
_SCHEDULE: Final = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def apply() -> None:
    """Check before each is made or changed."""
    _check_templates("AWS::Lambda::Function", _function)
    _check_templates("AWS::StepFunctions::StateMachine", _machine)
    _check_templates("AWS::Lambda::EventSourceMapping", _mapping)
    _check_templates("AWS::Scheduler::Schedule", _schedule)
    _check_functions()
    _check_machines()
    _check_mappings()
    _check_schedules()


def _function(properties: Mapping[str, Any]) -> str | None:
    role = properties.get("Role")
    return None if role is None or trusted(str(role), LAMBDA) else _FUNCTION


def _machine(properties: Mapping[str, Any]) -> str | None:
    role, arn = str(properties.get("RoleArn", "")), _machine_arn(str(properties.get("StateMachineName", "")))
    if not trusted(role, STATES, arn):
        return _MACHINE
    return log_refused(role, arn, properties.get("LoggingConfiguration"))


def _mapping(properties: Mapping[str, Any]) -> str | None:
    name, qualifier = _function_name(str(properties.get("FunctionName", "")))
    return polling_refused(name, qualifier, str(properties.get("EventSourceArn", "")))


def _schedule(properties: Mapping[str, Any]) -> str | None:
    target = properties.get("Target") or {}
    return None if trusted(str(target.get("RoleArn", "")), SCHEDULER) else _SCHEDULE


def _check_templates(kind: str, check: Check) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create, update = handlers["create"], handlers["update"]

    def create_checked(logical_id: str, properties: Mapping[str, Any], *rest: Any) -> Any:
        _raise(check(properties))
        return create(logical_id, properties, *rest)

    def update_checked(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], *rest: Any, **more: Any
    ) -> Any:
        _raise(check(new))
        return update(physical_id, old, new, *rest, **more)

    # A dictionary of its own: kinds may share one.
    provisioners._RESOURCE_HANDLERS[kind] = {**handlers, "create": create_checked, "update": update_checked}


def _raise(message: str | None) -> None:
    if message:
        raise ValueError(f'Resource handler returned message: "{message}"')


def _check_functions() -> None:
    create = lambda_svc._create_function

    def create_checked(data: Mapping[str, Any], *rest: Any) -> Any:
        if message := _function(data):
            return error_response_json("InvalidParameterValueException", message, 400)
        return create(data, *rest)

    lambda_svc._create_function = create_checked


def _check_machines() -> None:
    create, update = stepfunctions._create_state_machine, stepfunctions._update_state_machine

    def refused(role: str, arn: str, logging: Any) -> Any:
        if not ROLE_ARN.fullmatch(role):
            return None  # `definitions` refuses it for its form
        message = _MACHINE if not trusted(role, STATES, arn) else log_refused(role, arn, logging)
        return message and error_response_json("AccessDeniedException", message, 400)

    def create_checked(data: Mapping[str, Any]) -> Any:
        arn = _machine_arn(str(data.get("name", "")))
        return refused(str(data.get("roleArn", "")), arn, data.get("loggingConfiguration")) or create(data)

    def update_checked(data: Mapping[str, Any]) -> Any:
        arn = str(data.get("stateMachineArn", ""))
        machine = stepfunctions._state_machines.get(arn) or {}
        if machine and ("roleArn" in data or "loggingConfiguration" in data):
            role = data.get("roleArn", machine.get("roleArn", ""))
            logging = data.get("loggingConfiguration", machine.get("loggingConfiguration"))
            if answer := refused(str(role), arn, logging):
                return answer
        return update(data)

    stepfunctions._create_state_machine = create_checked
    stepfunctions._update_state_machine = update_checked


def _check_mappings() -> None:
    create = lambda_svc._create_esm

    def create_checked(data: Mapping[str, Any]) -> Any:
        if message := _mapping(data):
            return error_response_json("InvalidParameterValueException", message, 400)
        return create(data)

    lambda_svc._create_esm = create_checked


def _check_schedules() -> None:
    create, update = scheduler._create_schedule, scheduler._update_schedule

    def checked(make: Any) -> Any:
        def make_checked(name: str, body: Mapping[str, Any]) -> Any:
            if message := _schedule(body):
                return error_response_json("ValidationException", message, 400)
            return make(name, body)

        return make_checked

    scheduler._create_schedule, scheduler._update_schedule = checked(create), checked(update)


def _machine_arn(name: str) -> str:
    return f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:{name}"


def _function_name(reference: str) -> tuple[str, str | None]:
    """Return the name and the qualifier in a name or an ARN of a function."""
    parts = reference.split(":function:")[-1].split(":")
    return parts[0], parts[1] if len(parts) > 1 else None

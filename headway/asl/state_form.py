"""The rules of one state: which fields it may have, which it needs, and what may stand in them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway.asl import fields
from headway.asl.diagnostics import Diagnostic, of_schema
from headway.asl.expressions import objections

_INTEGRATION: Final = re.compile(r"arn:aws[a-z-]*:states:[^:]*:[^:]*:([a-z0-9-]+):([A-Za-z0-9]+)(?:\.(.+))?")
_ACTIVITY: Final = re.compile(r"arn:aws[a-z-]*:states:[^:]*:[^:]*:activity:.+")
_VARIABLE_NAME: Final = re.compile(r"[^\W\d]\w*")
HEARTBEAT_TOO_LONG: Final = "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'"
CATCH_ALL_FIRST: Final = "States.ALL must appear alone and at end of list"
NOT_RECOGNIZED: Final = "The resource provided "
"""Beginning of what AWS says of a call that there is not."""
ARGUMENT_MISSING: Final = "is required but was missing"
"""End of what it says of an argument that a call needs."""
_CHOICES: Final = ("And", "Or", "Not", "Variable", "Condition")


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a state takes from the machine it is in."""

    language: str
    express: bool


def language_within(holder: Mapping[str, Any], outer: str) -> str:
    """Return the query language of a machine or a state: any other word than JSONPath means JSONata to AWS."""
    named = holder.get("QueryLanguage", outer)
    return fields.JSONPATH if named == fields.JSONPATH else fields.JSONATA


def language_problems(holder: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the field QueryLanguage itself."""
    named = holder.get("QueryLanguage", fields.JSONPATH)
    if not isinstance(named, str):
        yield of_schema("Expected value of type [STRING]", f"{place}/QueryLanguage")
    elif named not in (fields.JSONPATH, fields.JSONATA):
        message = f"Value should be one of the following: [{fields.JSONPATH}, {fields.JSONATA}]"
        yield of_schema(message, f"{place}/QueryLanguage")


def state_problems(state: Mapping[str, Any], place: str, inherited: Inherited) -> Iterator[Diagnostic]:
    """Yield what is wrong with the form of one state; machines within it are left to the caller."""
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in fields.FIELDS:
        if "Type" not in state:
            yield of_schema("These fields are required: [Type]", place)
        else:
            kinds = ", ".join(fields.FIELDS)
            yield of_schema(f"The field 'Type' should have one of these values: [{kinds}]", f"{place}/Type")
        return
    language = language_within(state, inherited.language)
    yield from _field_problems(state, kind, place)
    if inherited.language == fields.JSONATA and language == fields.JSONPATH:
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield of_schema(message, place)
    else:
        yield from _foreign(state, language, place)
    yield from language_problems(state, place)
    yield from _number_problems(state, language, place)
    yield from _handler_problems(state, language, place)
    if kind == "Task":
        yield from _task_problems(state, place, language, express=inherited.express)
    if kind == "Choice":
        yield from _choice_problems(state, language, place)
    if kind == "Parallel" and not isinstance(branches := state.get("Branches", []), list):
        yield of_schema("Expected value of type Array", f"{place}/Branches")
    elif kind == "Parallel" and "Branches" in state and not branches:
        yield of_schema("Value cannot be empty", f"{place}/Branches")
    if kind == "Map":
        yield from _map_problems(state, place, express=inherited.express)
    yield from _value_problems(state, language, place)


def _field_problems(state: Mapping[str, Any], kind: str, place: str) -> Iterator[Diagnostic]:
    for name in state:
        if name not in fields.FIELDS[kind] and name not in fields.EVERYWHERE:
            yield of_schema(f"Field '{name}' is not supported", place)
    needed = fields.REQUIRED.get(kind)
    if needed and needed not in state:
        yield of_schema(f"These fields are required: [{needed}]", place)
    for group in fields.EXCLUSIVE:
        if sum(_has(state, name) for name in group if name in fields.FIELDS[kind]) > 1:
            yield of_schema(f"There should only be one of the following fields: [{', '.join(group)}]", place)
    for group in fields.ONE_OF.get(kind, ()):
        if not any(_has(state, name) for name in group):
            yield of_schema(f"This object should have only one of the following fields: [{', '.join(group)}]", place)


def _has(state: Mapping[str, Any], name: str) -> bool:
    """Tell whether a field counts: `"End": false` does not."""
    return name in state and not (name == "End" and state[name] is False)


def _foreign(holder: Mapping[str, Any], language: str, place: str, more: tuple[str, ...] = ()) -> Iterator[Diagnostic]:
    """Yield the fields of the other query language."""
    other = fields.JSONATA if language == fields.JSONPATH else fields.JSONPATH
    for name in (*fields.ONLY_IN[other], *more):
        if name in holder:
            yield of_schema(
                f"The QueryLanguage is set to '{language}', but field '{name}' is only supported "
                f"for the '{other}' QueryLanguage",
                place,
            )


def _number_problems(state: Mapping[str, Any], language: str, place: str) -> Iterator[Diagnostic]:
    for name, bounds in fields.WHOLE_NUMBERS.items():
        value = state.get(name, bounds[0])
        if language == fields.JSONATA and isinstance(value, str) and value.startswith("{%"):
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            yield of_schema("Expected value of type Integer", f"{place}/{name}")
        else:
            yield from _bound_problems(value, bounds, f"{place}/{name}")
    heartbeat, timeout = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds")
    if isinstance(heartbeat, int) and isinstance(timeout, int) and heartbeat >= timeout:
        yield of_schema(HEARTBEAT_TOO_LONG, f"{place}/HeartbeatSeconds")


def _bound_problems(value: float, bounds: tuple[int, int | None], place: str) -> Iterator[Diagnostic]:
    least, most = bounds
    if value < least:
        yield of_schema(f"Minimum value is {least}", place)
    elif most is not None and value > most:
        yield of_schema(f"Maximum value is {most}", place)


def _handler_problems(state: Mapping[str, Any], language: str, place: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with Retry and Catch."""
    for name, known in (("Retry", fields.RETRY_FIELDS), ("Catch", fields.CATCH_FIELDS)):
        handlers = state.get(name, [])
        if not isinstance(handlers, list):
            yield of_schema("Expected value of type Array", f"{place}/{name}")
            continue
        for index, handler in enumerate(handlers):
            here = f"{place}/{name}[{index}]"
            if not isinstance(handler, dict):
                yield of_schema("Expected value of type Object", here)
                continue
            yield from (of_schema(f"Field '{field}' is not supported", here) for field in handler.keys() - known)
            yield from _foreign(handler, language, here)
            if name == "Catch" and "Next" not in handler:
                yield of_schema("These fields are required: [Next]", here)
            yield from _error_problems(handler, here, last=index == len(handlers) - 1)
            if name == "Retry":
                yield from _retry_problems(handler, here)


def _error_problems(handler: Mapping[str, Any], place: str, *, last: bool) -> Iterator[Diagnostic]:
    errors = handler.get("ErrorEquals")
    if "ErrorEquals" not in handler:
        yield of_schema("These fields are required: [ErrorEquals]", place)
    elif not isinstance(errors, list):
        yield of_schema("Expected value of type Array", f"{place}/ErrorEquals")
    elif not errors:
        yield of_schema("Value cannot be empty", f"{place}/ErrorEquals")
    elif "States.ALL" in errors and (len(errors) > 1 or not last):
        yield of_schema(CATCH_ALL_FIRST, f"{place}/ErrorEquals")


def _retry_problems(handler: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    for name, bounds in fields.RETRY_NUMBERS.items():
        value = handler.get(name, bounds[0])
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield of_schema("Expected value of type Number", f"{place}/{name}")
        else:
            yield from _bound_problems(value, bounds, f"{place}/{name}")
    if handler.get("JitterStrategy", "NONE") not in ("NONE", "FULL"):
        yield of_schema("Value should be one of the following: [NONE, FULL]", f"{place}/JitterStrategy")


def _task_problems(state: Mapping[str, Any], place: str, language: str, *, express: bool) -> Iterator[Diagnostic]:
    """Yield what is wrong with the resource of a task, and with what it is called with."""
    resource = state.get("Resource", "arn:")
    here = f"{place}/Resource"
    if not isinstance(resource, str) or not resource.startswith("arn:"):
        yield of_schema("Value is not a valid resource ARN", here)
        return
    if express and _ACTIVITY.fullmatch(resource):
        yield of_schema("Express state machine does not support Activity ARN", here)
    matched = _INTEGRATION.fullmatch(resource)
    if matched is None:
        return
    service, action, pattern = matched.groups()
    if express and pattern:
        word = f".{pattern.split(':')[0]}"
        yield of_schema(f"Express state machine does not support '{word}' service integration", here)
    actions = fields.INTEGRATIONS.get(service)
    if actions is None:
        return
    if action not in actions or (pattern and pattern not in actions[action]):
        yield of_schema(
            f"{NOT_RECOGNIZED}{resource} is not recognized. The value is not a valid resource ARN, "
            "or the resource is not available in this region.",
            here,
        )
    name = "Arguments" if language == fields.JSONATA else "Parameters"
    if name not in state:
        yield of_schema(f"{name} field is required for resource ARN: {resource}", place)
    elif isinstance(given := state[name], dict):
        for wanted in fields.NEEDED_ARGUMENTS.get(f"{service}:{action}", ()):
            if wanted not in given and f"{wanted}.$" not in given:
                yield of_schema(f"The field '{wanted}' {ARGUMENT_MISSING}", f"{place}/{name}")


def _choice_problems(state: Mapping[str, Any], language: str, place: str) -> Iterator[Diagnostic]:
    rules = state.get("Choices")
    if not isinstance(rules, list):
        if "Choices" in state:
            yield of_schema("Expected value of type Array", f"{place}/Choices")
        return
    if not rules:
        yield of_schema("Value cannot be empty", f"{place}/Choices")
    for index, rule in enumerate(rules):
        here = f"{place}/Choices[{index}]"
        if not isinstance(rule, dict):
            yield of_schema("Expected value of type Object", here)
            continue
        if "Next" not in rule:
            yield of_schema("These fields are required: [Next]", here)
        yield from _foreign(rule, language, here, ("Variable",) if language == fields.JSONATA else ("Condition",))
        if sum(name in rule for name in _CHOICES) != 1:
            yield of_schema(f"The object must have only one of the following fields, [{', '.join(_CHOICES)}]", here)


def _map_problems(state: Mapping[str, Any], place: str, *, express: bool) -> Iterator[Diagnostic]:
    for name in ("ItemProcessor", "Iterator"):
        processor = state.get(name)
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        if not isinstance(config, dict):
            continue
        here = f"{place}/{name}/ProcessorConfig"
        kind = config.get("ExecutionType", "STANDARD")
        if config.get("Mode", "INLINE") not in ("INLINE", "DISTRIBUTED"):
            yield of_schema("Value should be one of the following: [INLINE, DISTRIBUTED]", f"{here}/Mode")
        elif config.get("Mode", "INLINE") == "INLINE":
            if "ExecutionType" in config:
                yield of_schema("Field 'ExecutionType' is not supported", here)
        elif express:
            message = "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
            yield of_schema(message, f"{here}/Mode")
        elif "ExecutionType" not in config:
            yield of_schema("These fields are required: [ExecutionType]", here)
        elif kind not in ("STANDARD", "EXPRESS"):
            yield of_schema("Value should be one of the following: [STANDARD, EXPRESS]", f"{here}/ExecutionType")


def _value_problems(state: Mapping[str, Any], language: str, place: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with expressions, paths and names of variables."""
    ways = [
        (f"{place}/{name}[{i}]", way, name == "Catch")
        for name in ("Choices", "Catch")
        if isinstance(state.get(name), list)
        for i, way in enumerate(state[name])
        if isinstance(way, dict)
    ]
    for here, holder, in_catcher in [(place, state, False), *ways]:
        yield from _assigned_problems(holder, here)
        if language == fields.JSONATA:
            for name in (*fields.EXPRESSIONS, "Condition"):
                yield from _expression_problems(holder.get(name), f"{here}/{name}", in_catcher=in_catcher)
        else:
            yield from _path_problems(holder, here)
    if language == fields.JSONATA:
        for name in ("ItemReader", "ResultWriter"):
            if isinstance(part := state.get(name), dict):
                here = f"{place}/{name}/Arguments"
                yield from _expression_problems(part.get("Arguments"), here, in_catcher=False)


def _assigned_problems(holder: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    assigned = holder.get("Assign")
    for name in assigned if isinstance(assigned, dict) else ():
        plain = name.removesuffix(".$")
        if plain == "states":
            message = "Cannot assign to reserved variable '$states'."
            yield Diagnostic("RESERVED_VARIABLE_NAME", message, f"{place}/Assign/{name}")
        elif not _VARIABLE_NAME.fullmatch(plain):
            message = f"Invalid variable name '{plain}': the variable name contains invalid characters."
            yield Diagnostic("INVALID_VARIABLE_NAME", message, f"{place}/Assign/{name}")


def _expression_problems(value: Any, place: str, *, in_catcher: bool) -> Iterator[Diagnostic]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _expression_problems(part, f"{place}/{name}", in_catcher=in_catcher)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _expression_problems(part, f"{place}[{index}]", in_catcher=in_catcher)
    elif isinstance(value, str) and value.startswith("{%"):
        if not value.endswith("%}") or len(value) < len("{%%}"):
            yield of_schema("JSONata string must start with {% and end with %}", place)
        else:
            for objection in objections(value[2:-2].strip(), in_catcher=in_catcher):
                yield Diagnostic(objection.code, objection.message, place)


def _path_problems(holder: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    for name in fields.ONLY_IN[fields.JSONPATH]:
        value = holder.get(name)
        if name.endswith("Path") and isinstance(value, str) and not value.startswith(("$", "States.")):
            yield of_schema("Value must be a valid JSONPath.", f"{place}/{name}")
    for name in fields.PAYLOADS:
        yield from _payload_problems(holder.get(name), f"{place}/{name}")


def _payload_problems(value: Any, place: str) -> Iterator[Diagnostic]:
    """Yield keys that end with `.$` and have neither a path nor an intrinsic function for a value."""
    parts = value.items() if isinstance(value, dict) else ()
    for name, part in parts:
        if not name.endswith(".$"):
            yield from _payload_problems(part, f"{place}/{name}")
        elif not isinstance(part, str) or not part.startswith(("$", "States.")):
            message = f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
            yield of_schema(message, f"{place}/{name}")

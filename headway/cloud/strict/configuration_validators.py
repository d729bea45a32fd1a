"""AppConfig deploys no configuration that its profile's validators refuse; ministack stores them and looks at none.

A profile has at most two (model of AppConfig: `ValidatorList`, `Validator.Content`), of two types: an inline JSON
Schema of draft 4, and the ARN of a Lambda function, which is called with the content and refuses it with an error
(AppConfig user guide, "Understanding validators"). They are asked when a deployment starts, also one of CloudFormation,
whose stack then fails, and by ValidateConfiguration, which ministack does not have. A refusal is a BadRequestException
with the reason InvalidConfiguration and the details. Schemas are held against JSON only; YAML is refused here.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError
from ministack.services import appconfig, lambda_svc
from ministack.services.cloudformation import provisioners

MAX_VALIDATORS_COUNT: Final = 2
MAX_VALIDATOR_CHARACTERS: Final = 32_768

DEPLOYMENTS: Final = re.compile(r"/applications/([^/]+)/environments/[^/]+/deployments")
VALIDATIONS: Final = re.compile(r"/applications/([^/]+)/configurationprofiles/([^/]+)/validators")
PROFILES: Final = re.compile(r"/applications/[^/]+/configurationprofiles(/[^/]+)?")


@dataclass(frozen=True, slots=True)
class Detail:
    """One mistake, with the names of AppConfig's `InvalidConfigurationDetail`."""

    Type: str
    Reason: str
    Constraint: str = ""
    Location: str = ""
    Value: str = ""


def excess_of(validators: Sequence[Mapping[str, Any]]) -> str | None:
    """Say why a profile may not have these validators; None where it may."""
    if len(validators) > MAX_VALIDATORS_COUNT:
        return f"Validators: at most {MAX_VALIDATORS_COUNT}, not {len(validators)}"
    if any(len(validator.get("Content", "")) > MAX_VALIDATOR_CHARACTERS for validator in validators):
        return f"Validators: Content has at most {MAX_VALIDATOR_CHARACTERS} characters"
    return None


def mistakes_of_schema(schema: str, content: bytes) -> list[Detail]:
    """Hold a content against a JSON Schema of draft 4; return every mistake."""
    try:
        validator = _validator(schema)
    except (ValueError, SchemaError) as mistake:
        return [Detail("JSON_SCHEMA", f"The schema is not of JSON Schema draft 4: {_first_line(mistake)}")]
    try:
        document = json.loads(content)
    except ValueError as mistake:
        return [Detail("JSON_SCHEMA", f"The content is not JSON: {_first_line(mistake)}")]
    return [
        Detail(
            "JSON_SCHEMA",
            error.message,
            Constraint=str(error.validator),
            Location="/".join(("#", *map(str, error.absolute_path))),
        )
        for error in validator.iter_errors(document)
    ]


def mistakes_of_function(arn: str, event: Mapping[str, Any]) -> list[Detail]:
    """Ask a function; an error of it is the mistake. Waits until it has answered."""
    record, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not record or not config:
        return [Detail("LAMBDA", f"There is no function {name}")]
    answer = lambda_svc._execute_function_with_config_scope(
        lambda_svc._execution_record_for_config(record, config), event
    )
    if not answer.get("error"):
        return []
    body = answer.get("body")
    said = body.get("errorMessage", "") if isinstance(body, Mapping) else body
    return [Detail("LAMBDA", "The function refused the content", Value=str(said))]


def mistakes_of(application: str, profile: str, version: str) -> list[Detail]:
    """Ask all validators of a profile about a hosted version; nothing where either is unknown, which others refuse."""
    validators = appconfig._config_profiles.get(f"{application}/{profile}", {}).get("Validators") or ()
    hosted = appconfig._hosted_versions.get(f"{application}/{profile}/{version}")
    if not validators or not hosted:
        return []
    content = hosted["Content"]
    raw = content if isinstance(content, bytes) else content.encode()
    event = {
        "applicationId": application,
        "configurationProfileId": profile,
        "configurationVersion": str(version),
        "content": base64.b64encode(raw).decode(),
        "uri": "hosted",
    }
    found: list[Detail] = []
    for validator in validators:
        if validator["Type"] == "LAMBDA":
            found += mistakes_of_function(validator["Content"], event)
        else:
            found += mistakes_of_schema(validator["Content"], raw)
    return found


@lru_cache(maxsize=64)
def _validator(schema: str) -> Draft4Validator:
    parsed = json.loads(schema)
    Draft4Validator.check_schema(parsed)
    return Draft4Validator(parsed)


def _first_line(mistake: Exception) -> str:
    return str(mistake).partition("\n")[0]


def _refusal(mistakes: Sequence[Detail]) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = appconfig._error(400, "BadRequestException", _said(mistakes))
    details = [{name: value for name, value in asdict(mistake).items() if value} for mistake in mistakes]
    answer = {**json.loads(body), "Reason": "InvalidConfiguration", "Details": {"InvalidConfiguration": details}}
    return status, headers, json.dumps(answer).encode()


def _said(mistakes: Sequence[Detail]) -> str:
    reasons = "; ".join(" ".join(filter(None, (each.Location, each.Reason, each.Value))) for each in mistakes)
    return f"The configuration is invalid: {reasons}"


def _document(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def apply() -> None:
    """Ask the validators before a deployment starts, and let a profile have no more of them than AWS allows."""
    handle = appconfig.handle_request

    async def handle_validated(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method == "POST" and (found := DEPLOYMENTS.fullmatch(path)):
            asked = _document(body)
            # In a thread: a function that is asked may itself call this server.
            mistakes = await asyncio.to_thread(
                mistakes_of,
                found[1],
                asked.get("ConfigurationProfileId", ""),
                asked.get("ConfigurationVersion", ""),
            )
            if mistakes:
                return _refusal(mistakes)
        elif method == "POST" and (found := VALIDATIONS.fullmatch(path)):
            return await _validate(found[1], found[2], query)
        elif method in {"POST", "PATCH"} and PROFILES.fullmatch(path):
            excess = excess_of(_document(body).get("Validators") or ())
            if excess:
                return appconfig._error(400, "BadRequestException", excess)
        return await handle(method, path, headers, body, query)

    appconfig.handle_request = handle_validated
    _deploy_validated(provisioners._RESOURCE_HANDLERS)


async def _validate(application: str, profile: str, query: Mapping[str, Any]) -> Any:
    asked = query.get("configuration_version", "")
    version = asked[0] if isinstance(asked, list) else asked
    if f"{application}/{profile}/{version}" not in appconfig._hosted_versions:
        return appconfig._error(404, "ResourceNotFoundException", f"Configuration version {version} not found")
    mistakes = await asyncio.to_thread(mistakes_of, application, profile, version)
    return _refusal(mistakes) if mistakes else (204, {}, b"")


def _deploy_validated(handlers: dict[str, dict[str, Callable[..., Any]]]) -> None:
    """Let CloudFormation's deployments and profiles be refused too: what is raised fails the stack."""
    deployment, profile = handlers["AWS::AppConfig::Deployment"], handlers["AWS::AppConfig::ConfigurationProfile"]
    deploy = deployment["create"]

    def deploy_validated(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        mistakes = mistakes_of(
            properties.get("ApplicationId", ""),
            properties.get("ConfigurationProfileId", ""),
            properties.get("ConfigurationVersion", ""),
        )
        if mistakes:
            raise ValueError(_said(mistakes))
        return deploy(logical_id, properties, stack_name)

    def limited(make: Callable[..., Any], place: int) -> Callable[..., Any]:
        def make_limited(*arguments: Any, **more: Any) -> Any:
            excess = excess_of(arguments[place].get("Validators") or ())
            if excess:
                raise ValueError(excess)
            return make(*arguments, **more)

        return make_limited

    deployment["create"] = deploy_validated
    profile["create"] = limited(profile["create"], place=1)
    profile["update"] = limited(profile["update"], place=2)

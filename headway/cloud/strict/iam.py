"""IAM decides on every request: what a policy does not allow is denied, and a role that cannot be assumed is useless.

AWS denies by default (IAM user guide, "Policy evaluation logic"). ministack has an engine for that, which AUTH switches
on: it checks signatures, gives functions credentials of their role, and asks the caller's policies and the resource's.
What is added: the resources that it does not know (task tokens, configurations), and all that services do inside the
process for a role (`_machine_roles`, `_api_calls`, `_function_roles`, `_sender_roles`). The account's own key, `test`,
may everything, as an administrator's. The embedded cloud has no TLS, and policies that ask for it take it as given.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import appconfig, sts

from headway.cloud.strict import (
    _api_calls,
    _creation,
    _credentials,
    _decisions,
    _function_roles,
    _machine_roles,
    _roles,
    _sender_roles,
)
from headway.cloud.strict._decisions import DECISIONS, Request

_CONFIGURATION_ACTIONS: Final = {
    "/configurationsessions": "appconfig:StartConfigurationSession",
    "/configuration": "appconfig:GetLatestConfiguration",
}
"""Paths of AppConfig's data plane."""


def apply() -> None:
    """Switch the engine on, note what it decides, and ask it for what goes on inside, too."""
    app.AUTH = True
    iam_evaluator._gather_role_policies = _roles.policies_kept(iam_evaluator._gather_role_policies)
    _credentials.apply()
    _take_tls_as_given()
    _note_decisions()
    _name_resources()
    _decisions.serve()
    _machine_roles.apply()
    _api_calls.apply()
    _function_roles.apply()
    _sender_roles.apply()
    _creation.apply()


def _take_tls_as_given() -> None:
    pin = iam_evaluator.pin_request_origin

    def pin_with_tls(source_ip: str, _: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = iam_evaluator.pin_request_origin = pin_with_tls


def _note_decisions() -> None:
    enforce = iam_evaluator.enforce

    def enforce_and_note(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
    ) -> Any:
        refused = enforce(key, action, service, region, resource_arn=resource_arn, service_context=service_context)
        if not refused:
            if key and not iam_evaluator.is_root_access_key(key):
                DECISIONS.allow(Request(_principal(key), action, resource_arn))
        elif isinstance(refused, iam_evaluator.AuthError):
            DECISIONS.deny(Request(_principal(key), action, resource_arn), f"{refused.code}: {refused.message}")
        else:
            DECISIONS.deny(Request(_principal(key), action, resource_arn), refused.reason)
        return refused

    iam_evaluator.enforce = enforce_and_note


def _principal(key: str) -> str:
    """Return the name of a session's role, or the key itself."""
    session = sts._sessions.get(key)
    return str(session["Arn"]).split("/")[1] if session and ":assumed-role/" in session["Arn"] else key or "anonymous"


def _name_resources() -> None:
    """Say what is asked for where ministack says `*`, and by the name that IAM has for it."""
    extract, extract_action = iam_actions.extract_resource_arn, iam_actions.extract_iam_action

    def extract_more_actions(
        service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        if path in _CONFIGURATION_ACTIONS:
            # Signed for `appconfig`, and so taken for the other API of the service, which has no such call.
            return _CONFIGURATION_ACTIONS[path]
        action = extract_action(service, method, path, headers, body, query)
        if service == "states" and b"taskToken" in body and _machine_roles.machine_of(_token(body)) is None:
            return None  # nobody waits, or ever has: that is what the service answers, not IAM
        # SQS has no actions of batches: who may send may send ten (API reference, SendMessageBatch).
        return action.removesuffix("Batch") if service == "sqs" and action else action

    def extract_more(*request: Any) -> Any:
        service, _, path, _, body, query, region, account = request
        if service == "states" and b"taskToken" in body:
            return _machine_roles.machine_of(_token(body)) or "*"
        if path in _CONFIGURATION_ACTIONS:
            return _configuration(path, body, query, region, account)
        return extract(*request)

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = extract_more_actions, extract_more


def _token(body: bytes) -> str:
    return str(json.loads(body).get("taskToken"))


def _configuration(path: str, body: bytes, query: Mapping[str, Any], region: str, account: str) -> str:
    """Return the ARN of the configuration that a session is for, or is to be for."""
    if path == "/configurationsessions":
        given = json.loads(body)
        application = appconfig._resolve_application_id(given.get("ApplicationIdentifier", ""))
        environment = appconfig._resolve_environment_id(application, given.get("EnvironmentIdentifier", ""))
        profile = appconfig._resolve_configuration_profile_id(
            application, given.get("ConfigurationProfileIdentifier", "")
        )
    else:
        token = query.get("configuration_token", "")
        session = appconfig._sessions.get(token[0] if isinstance(token, list) else token) or {}
        names = ("ApplicationIdentifier", "EnvironmentIdentifier", "ConfigurationProfileIdentifier")
        application, environment, profile = (session.get(name) for name in names)
    if not (application and environment and profile):
        return "*"
    where = f"application/{application}/environment/{environment}/configuration/{profile}"
    return f"arn:aws:appconfig:{region}:{account}:{where}"

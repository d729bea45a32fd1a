"""Whether a role allows an action to the service that acts in it: trust, identity policies, and the resource's own.

Only what goes on inside the emulator's process needs this; requests of a function come signed, and the emulator asks
its own engine. Both are noted in `_decisions`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from botocore.credentials import Credentials
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from headway.cloud.strict._decisions import DECISIONS, Request

ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
ASSUME: Final = "sts:AssumeRole"
UNTRUSTED: Final = "Untrusted"
DECISIONS_AT_MOST: Final = 4096
"""Decisions that are remembered; resources may be many."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A service that acts in a role for a resource of ours: `service` is a principal such as `states.amazonaws.com`,
    `source_arn` the machine, schedule or function, and `session` a name for messages.
    """

    role_arn: str
    service: str
    source_arn: str
    session: str

    @property
    def role_name(self) -> str:
        """Return the role's name without its path."""
        return self.role_arn.rpartition("/")[2]

    @property
    def arn(self) -> str:
        """Return the ARN of the session, as AWS's messages have it."""
        return f"arn:aws:sts::{get_account_id()}:assumed-role/{self.role_name}/{self.session}"


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


def acting() -> Actor | None:
    """Return who acts at the moment; None where nobody acts in a role."""
    return _acting.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let what follows in this thread be done in a role."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def denial(actor: Actor, action: str, resource: str) -> str | None:
    """Return AWS's message where the role does not allow it, and note the decision."""
    request = Request(actor.role_name, action, resource)
    decision = _decision(actor, action, resource)
    if decision == "Allow":
        DECISIONS.allow(request)
        return None
    if decision == UNTRUSTED:
        return _untrusted(actor)
    because = (
        "with an explicit deny"
        if decision == "Deny"
        else f"because no identity-based policy allows the {action} action"
    )
    reason = f"User: {actor.arn} is not authorized to perform: {action} on resource: {resource} {because}"
    DECISIONS.deny(request, reason)
    return reason


def _untrusted(actor: Actor) -> str:
    reason = f"{actor.service} is not authorized to assume the role {actor.role_arn}"
    DECISIONS.deny(Request(actor.role_name, ASSUME, actor.role_arn), reason)
    return reason


def session_of(actor: Actor) -> Credentials:
    """Return credentials of a session of the role, for requests that the actor signs; what they may is decided where
    they arrive. Raises PermissionError where the role does not trust the service.
    """
    role = _role(actor.role_arn)
    if role is None or not _may_assume(role, actor.service, actor.source_arn):
        raise PermissionError(_untrusted(actor))
    digest = sha256(f"{actor.source_arn}:{actor.role_arn}".encode()).hexdigest()
    key, secret, token = f"ASIA{digest[:16].upper()}", f"secret-{digest}", f"token-{digest}"
    if key not in sts._sessions:
        session = {"Arn": actor.arn, "UserId": f"{actor.role_name}:{actor.session}"}
        sts.register_session(key, {**session, "SecretAccessKey": secret, "SessionToken": token})
    return Credentials(key, secret, token)


def trusted(role_arn: str, service: str, source_arn: str = "") -> bool:
    """Return whether a role is there and lets a service assume it, for the resource `source_arn` where one is told."""
    role = _role(role_arn)
    return role is not None and _may_assume(role, service, source_arn)


def _may_assume(role: Mapping[str, Any], service: str, source_arn: str) -> bool:
    """Return whether a role's trust policy lets a service assume it, for the resource `source_arn`."""
    document = role.get("AssumeRolePolicyDocument")
    policy = json.loads(document) if isinstance(document, str) else document or {}
    principal, _, domain = service.partition(".")
    names = (service, f"{principal}.{get_region()}.{domain}")
    told = {"aws:sourceaccount": get_account_id(), **({"aws:sourcearn": source_arn} if source_arn else {})}
    statements = policy.get("Statement", [])
    # A trust policy names no resource: it is the role's own.
    applicable = [
        {**statement, "Resource": "*"}
        for statement in (statements if isinstance(statements, list) else [statements])
        if any(iam_evaluator._service_principal_matches(statement.get("Principal"), name) for name in names)
    ]
    parsed = iam_evaluator.parse_policy_document({"Statement": applicable})
    return bool(iam_evaluator.evaluate(context(service, ASSUME, "*", told), [parsed]).decision == "Allow")


Documents = tuple[object, ...]
_decisions: dict[tuple[Actor, str, str], tuple[Documents, str]] = {}


def _decision(actor: Actor, action: str, resource: str) -> str:
    """Return the decision; computed anew when a policy of the role or of the resource is another than last time."""
    role = _role(actor.role_arn)
    if role is None:
        return UNTRUSTED
    account = get_account_id()
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    documents = (*documents_of(role, account), role.get("AssumeRolePolicyDocument"), found and found[0])
    key = (actor, action, resource)
    known = _decisions.get(key)
    if known is not None and known[0] == documents:
        return known[1]
    decision = _evaluated(actor, role, action, resource, found)
    if len(_decisions) > DECISIONS_AT_MOST:
        _decisions.clear()
    _decisions[key] = (documents, decision)
    return decision


def _evaluated(actor: Actor, role: Mapping[str, Any], action: str, resource: str, found: Any) -> str:
    if not _may_assume(role, actor.service, actor.source_arn):
        return UNTRUSTED
    account = get_account_id()
    asked = context(actor.arn, action, resource, {})
    limits = iam_evaluator._permissions_boundary(iam._roles, actor.role_name, account)
    policies = iam_evaluator._gather_role_policies(actor.role_name, account)
    result = iam_evaluator.evaluate(asked, policies, *limits)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, asked, *found, limits=limits)
    return str(result.decision)


_policies: dict[tuple[str, str], tuple[Documents, Any]] = {}


def policies_kept(gather: Any) -> Any:
    """Return ministack's `_gather_role_policies` with what it parsed last, as long as the documents are the same."""

    def gather_once(role_name: str, account_id: str) -> Any:
        role = iam._roles.get_scoped(account_id, None, role_name)
        documents = () if role is None else documents_of(role, account_id)
        known = _policies.get((account_id, role_name))
        if known is None or known[0] != documents:
            known = _policies[account_id, role_name] = (documents, gather(role_name, account_id))
        return known[1]

    return gather_once


def documents_of(role: Mapping[str, Any], account: str) -> Documents:
    """Return the documents of a role: comparing them is quick, because they are the very same objects mostly."""
    attached = [
        iam_evaluator._resolve_managed_policy_document(arn, account)
        for arn in (*role.get("AttachedPolicies", []), *filter(None, [role.get("PermissionsBoundary")]))
    ]
    return (*(role.get("InlinePolicies") or {}).values(), *attached)


def context(principal: str, action: str, resource: str, told: Mapping[str, str]) -> Any:
    """Return what a principal asks, for the evaluator; `told` are condition keys in lower case."""
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context=dict(told),
    )


def _role(arn: str) -> Mapping[str, Any] | None:
    role: Mapping[str, Any] | None = iam._roles.get_scoped(get_account_id(), None, arn.rpartition("/")[2])
    return role

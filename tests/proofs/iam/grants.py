"""The grants of the deployed roles, one by one, and how one is taken and given back."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from headway_cdk.stages import DEFAULT_STAGE

from headway.deployment.target import Target

HEADWAY = f"headway-{DEFAULT_STAGE}-"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource, in one policy of one role."""

    role: str
    policy: str
    action: str
    resource: str

    def allows(self, request: Mapping[str, str]) -> bool:
        """Return whether this is what allowed a request that was noted."""
        return (
            self.role == request["principal"]
            and self.action == request["action"]
            and fnmatchcase(request["resource"], self.resource)
        )


def grants_of(target: Target) -> list[Grant]:
    """Return all grants of the roles that the stacks have made."""
    iam = target.client("iam")
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return sorted(
        {
            Grant(role, policy, action, resource)
            for role in roles
            if role.startswith(HEADWAY)
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
            for statement in _document(target, role, policy)["Statement"]
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }
    )


@contextmanager
def taken(target: Target, grant: Grant) -> Iterator[None]:
    """Take one grant from its role, and give it back."""
    document = _document(target, grant.role, grant.policy)
    left = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for statement in document["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
        if (action, resource) != (grant.action, grant.resource)
    ]
    # A policy has at least one statement; this one allows nothing.
    nothing = [{"Effect": "Deny", "Action": "sts:GetSessionToken", "Resource": "*"}]
    _put(target, grant, {**document, "Statement": left or nothing})
    try:
        yield
    finally:
        _put(target, grant, document)


def _put(target: Target, grant: Grant, document: dict[str, Any]) -> None:
    target.client("iam").put_role_policy(
        RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=json.dumps(document)
    )


def _document(target: Target, role: str, policy: str) -> dict[str, Any]:
    found: dict[str, Any] = target.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return found


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value

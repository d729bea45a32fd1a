"""Roles for tests on the strict cloud, where nothing is called without one."""

import json
from typing import Any, Final
from uuid import uuid4

from headway.deployment.target import Target

ANY_ROLE_ARN: Final = "arn:aws:iam::000000000000:role/any"
"""A role of both clouds that functions, machines and the like may assume, and that may do anything: for tests that are
not about roles.
"""
ASSUMED_BY: Final = ("apigateway", "appconfig", "lambda", "scheduler", "states")


def make_any_role(target: Target) -> None:
    """Make the role that may do anything."""
    services = [f"{service}.amazonaws.com" for service in ASSUMED_BY]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    name = ANY_ROLE_ARN.rpartition("/")[2]
    target.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))
    allow(target, ANY_ROLE_ARN, ("*", "*"))


def role_for(target: Target, service: str, *statements: tuple[str | list[str], str]) -> str:
    """Make a role that `service` (such as `states`) may assume and that allows (action, resource); return its ARN."""
    name = f"{service}-{uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = target.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))
    if statements:
        allow(target, made["Role"]["Arn"], *statements)
    return str(made["Role"]["Arn"])


def allow(target: Target, role_arn: str, *statements: tuple[str | list[str], str]) -> None:
    """Let a role of `role_for` do this and nothing else."""
    allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
    name = role_arn.rpartition("/")[2]
    target.client("iam").put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=_policy(allowed))


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})

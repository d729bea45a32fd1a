"""Exceptions to the security rules, each on its own resource and with its reason."""

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Except one resource from a rule (`AwsSolutions-IAM5`) or from a finding (`AwsSolutions-IAM5[Resource::*]`)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcard(construct: IConstruct, arn: str, reason: str) -> None:
    """Except a role's wildcard in an ARN, as the rule about wildcards (AwsSolutions-IAM5) calls it: `<Name>` for what a
    template refers to.
    """
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{_in_words(Stack.of(construct).resolve(arn))}]", reason)


def _in_words(value: Any) -> str:
    """Write a resolved value as the rule does."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_in_words(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case _:
            return str(value)

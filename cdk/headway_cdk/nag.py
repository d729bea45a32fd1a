"""Exceptions to the security rules, each on its own resource and with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Except one resource from a rule (`AwsSolutions-IAM5`) or from a finding (`AwsSolutions-IAM5[Resource::*]`)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))

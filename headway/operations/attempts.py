"""The executions that ask for one call: that which the call is named after, and those by which a later run of the same
file took it up.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from headway.deployment.run_names import next_attempt

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

NOT_THERE = frozenset({"ExecutionDoesNotExist", "InvalidArn"})
"""What Step Functions says of an execution that it does not know, or not any more."""


def attempts_at(step_functions: "SFNClient", execution_arn: str | None) -> "Iterator[DescribeExecutionOutputTypeDef]":
    """Describe an execution and the runs' attempts behind it, in their order; nothing where it is not there."""
    while execution_arn is not None and (found := described(step_functions, execution_arn)) is not None:
        yield found
        execution_arn = next_attempt(execution_arn)


def described(step_functions: "SFNClient", execution_arn: str) -> "DescribeExecutionOutputTypeDef | None":
    """Describe an execution; None where there is none."""
    try:
        return step_functions.describe_execution(executionArn=execution_arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_THERE:
            return None
        raise

"""Values that another stack has published: CloudFormation reads the SSM parameter when it deploys who asks."""

from aws_cdk import CfnParameter, Stack
from constructs import Construct

from headway_cdk.names import parameter, pascal


def looked_up(scope: Construct, stage: str, owner: str, name: str) -> str:
    """Return what stands in a parameter (`names.parameter`), which has to be there before the stack is deployed."""
    stack, ssm_name = Stack.of(scope), parameter(stage, owner, name)
    logical_id = pascal(ssm_name)
    known = stack.node.try_find_child(logical_id)
    if not isinstance(known, CfnParameter):
        known = CfnParameter(stack, logical_id, type="AWS::SSM::Parameter::Value<String>", default=ssm_name)
    return known.value_as_string

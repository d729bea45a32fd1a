"""What an operator has paused stays so: every deployment of a lane asks the parameter that `headway pause` writes.

A template that said `Enabled: true` would start a lane with its next changed batch size, or with a replaced mapping.
Where the state is in the lane's own stack (`HeadwayLane`), which cannot look up what it makes itself, the template says
nothing of it: an update leaves the mapping as it is.
"""

from typing import cast

from aws_cdk import CfnCondition, Fn, IResolvable, Stack
from constructs import Construct

from headway_cdk.lookups import looked_up
from headway_cdk.names import DISPATCHING_PARAMETER, Dispatching, pascal


def unless_paused(scope: Construct, stage: str, vendor: str, running: object, paused: object) -> IResolvable:
    """Return one value while a lane's calls are dispatched, another while it is paused."""
    stack, name = Stack.of(scope), f"IsPaused{pascal(vendor)}"
    known = stack.node.try_find_child(name)
    if not isinstance(known, CfnCondition):
        state = looked_up(scope, stage, vendor, DISPATCHING_PARAMETER)
        known = CfnCondition(stack, name, expression=Fn.condition_equals(state, Dispatching.PAUSED))
    return cast("IResolvable", Fn.condition_if(known.logical_id, paused, running))

"""What the role of a project's machine may do, read out of the template that `headway synth` writes.

In: a template. Out: pairs of an action and the end of the resource's name. Written down by hand beside it: what the
states of the new project's `order` need. A grant that is missing and one too many are told apart.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

Grant = tuple[str, str]

RULE: Final = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
OF_EVERY_MACHINE: Final = ("logs:", "xray:")
"""Log delivery and tracing: they have no resources to name."""
ORDER: Final[frozenset[Grant]] = frozenset(
    {
        # AskVendor: arn:aws:states:::states:startExecution.sync:2 (developer guide, "Start Step Functions executions")
        ("states:StartExecution", "stateMachine:headway-dev-replicate-call-vendor"),
        ("states:DescribeExecution", "execution:headway-dev-replicate-call-vendor:*"),
        ("states:StopExecution", "execution:headway-dev-replicate-call-vendor:*"),
        ("events:PutTargets", RULE),
        ("events:PutRule", RULE),
        ("events:DescribeRule", RULE),
        # UseResult: arn:aws:states:::lambda:invoke
        ("lambda:InvokeFunction", "<Functionuseresult>"),
    }
)


def of_machine(template: Mapping[str, Any], workflow: str) -> Iterator[Grant]:
    """Yield what the role of a machine may do, but for log delivery and tracing."""
    plain = re.sub(r"[^A-Za-z0-9]", "", workflow)
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::IAM::Policy":
            continue
        roles = [role["Ref"] for role in resource["Properties"]["Roles"]]
        if not any(role.startswith(f"Workflow{plain}MachineRole") for role in roles):
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            for action in _list(statement["Action"]):
                if not action.startswith(OF_EVERY_MACHINE):
                    yield from ((action, _name(one)) for one in _list(statement["Resource"]))


def differences(assembly: Path, workflow: str, needed: frozenset[Grant]) -> list[str]:
    """Return what a machine's role may not do and has to, and what it may do and need not, in words."""
    [path] = assembly.glob("*-workflows.template.json")
    found = set(of_machine(json.loads(path.read_text()), workflow))
    return [
        *(f"{workflow} lacks {action} on {name}" for action, name in sorted(needed - found)),
        *(f"{workflow} needs no {action} on {name}" for action, name in sorted(found - needed)),
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """Return the last part of an ARN, or `<what a template refers to>` without the hash of its name."""
    match resource:
        case {"Fn::Join": [_, [*_, str(last)]]}:
            return last.removeprefix(":")
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return f"<{re.sub('Function[0-9A-F]{8}$', '', logical_id)}>"
    return str(resource)

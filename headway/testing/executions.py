"""Executions of a machine and the mappings of a function, on whatever target: started, awaited and held by tests."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from headway.deployment.target import Target
from headway.testing.waiting import await_count

STARTERS: Final = 8
"""Requests at one time: more would only wait for the cores of a laptop."""
RUNNING: Final = "RUNNING"


def start_all(target: Target, machine_arn: str, inputs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Start one execution per name, with its input, several at a time; return their ARNs in that order."""
    client = target.client("stepfunctions")

    def begin(name: str) -> str:
        words = json.dumps(inputs[name])
        return str(client.start_execution(stateMachineArn=machine_arn, name=name, input=words)["executionArn"])

    with ThreadPoolExecutor(STARTERS) as pool:
        return list(pool.map(begin, inputs))


def described(target: Target, arn: str) -> Mapping[str, Any]:
    """Describe an execution."""
    description: Mapping[str, Any] = target.client("stepfunctions").describe_execution(executionArn=arn)
    return description


def ends_of(target: Target, arns: Sequence[str], pause_s: float = 0.2) -> dict[str, int]:
    """Wait until all executions have ended, looking every `pause_s` seconds, and count them by their status."""
    statuses: dict[str, str] = dict.fromkeys(arns, RUNNING)

    def ended() -> int:
        for arn in [arn for arn, status in statuses.items() if status == RUNNING]:
            statuses[arn] = described(target, arn)["status"]
        return sum(status != RUNNING for status in statuses.values())

    await_count(ended, len(arns), "workflows that have ended", pause_s)
    return dict(Counter(statuses.values()))


@contextmanager
def mappings_held(target: Target, function: str) -> Iterator[None]:
    """Hold a function's event source mappings, so that its queues can be looked at."""
    client = target.client("lambda")
    mappings = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    uuids = [mapping["UUID"] for mapping in mappings]
    for uuid in uuids:
        client.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        for uuid in uuids:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)

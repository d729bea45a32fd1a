"""A heartbeat is longer than the vendor lets pass between two signs of life.

Longer by much is no fault: the heartbeat has to outlast the wait in the queue, too, during which no vendor gives signs.
"""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.lane_waits import number_of, wait_limits_of
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find heartbeats as short as the contract's `callback.progress_every_s`, or shorter, in a project's machine."""
    if subject.deployed is None:
        return
    for state in subject.tasks:
        wait = wait_limits_of(state, subject.deployed)
        heartbeat_s = number_of(state.fields.get("HeartbeatSeconds"), subject.deployed.bound)
        every_s = wait.progress_every_s if wait else None
        if wait and every_s is not None and heartbeat_s is not None and heartbeat_s <= every_s:
            why = f"`HeartbeatSeconds` is {heartbeat_s:g}, and the vendor gives a sign of life every {every_s} s"
            fix = f"make it more than {every_s}: `${{{wait.prefix}HeartbeatSeconds}}`"
            yield Hit((*state.path, "HeartbeatSeconds"), why, fix)


RULE = LintRule(
    id="heartbeat-below-progress",
    severity=Severity.ERROR,
    title="A heartbeat is not longer than the vendor's progress interval",
    why="A job that is at work as its contract says fails between two signs of life, and is paid for.",
    fix="use the vendor's placeholder: it fits the contract",
    check=check,
)

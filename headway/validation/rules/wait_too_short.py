"""A machine waits for its vendor as long as the contract says that a call may take."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.lane_waits import number_of, wait_limits_of
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find limits below the contract's, of tasks that wait for a lane, in a project's machine."""
    if subject.deployed is None:
        return
    for state in subject.tasks:
        limits = wait_limits_of(state, subject.deployed)
        if limits is None:
            continue
        for field, least_s in (("TimeoutSeconds", limits.timeout_s), ("HeartbeatSeconds", limits.heartbeat_s)):
            given = number_of(state.fields.get(field), subject.deployed.bound)
            if given is not None and given < least_s:
                why = f"`{field}` is {given:g}, and by the contract a call that goes well may take {least_s} s"
                fix = f"make it {least_s} at least" + (f": `${{{limits.prefix}{field}}}`" if limits.prefix else "")
                yield Hit((*state.path, field), why, fix)


RULE = LintRule(
    id="wait-too-short",
    severity=Severity.WARNING,
    title="A task gives up sooner than the contract allows a call to take",
    why="A backlog that the contract tolerates, or a job that is at work, outlasts the limit: the task fails, and the"
    " job is paid for.",
    fix="use the vendor's placeholders: they fit the contract",
    check=check,
)

"""What became of each call, out of executions, vendors' notes, ledger, budgets and dead-letter queues."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway_lane.ledger.record import CallState, since_attribute

from headway.cloud.askers import decoded
from headway.testing.laboratory import Item, Laboratory
from tests.matrix.faults import Kind
from tests.matrix.invariants import CALLBACK_DLQ, Life, broken
from tests.matrix.on_the_cloud.course import Ended
from tests.matrix.on_the_cloud.lanes import Lane
from tests.matrix.stories import Said

REQUEST_DLQ: Final = "request_dlq"
EPOCH_MS: Final = "_epoch_ms"
HOLDERS: Final = "holders"
"""Attribute of the in-flight budget: the calls that hold a permit."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """What is left of all calls in a lane: ledger records by call, holders of in-flight permits, and the texts of the
    dead letters by queue.
    """

    calls: Mapping[str, Item]
    holders: frozenset[str]
    dead_letters: Mapping[str, Sequence[str]]


def state_of(lab: Laboratory, lane: Lane) -> LaneState:
    """Read a lane's state, and take its dead letters."""
    published = lane.published
    budgets: list[Mapping[str, Any]] = list(lab.records(published.budgets_table))
    queues = {REQUEST_DLQ: published.request_dlq_url, CALLBACK_DLQ: published.callback_dlq_url}
    return LaneState(
        calls={call["call_id"]: call for call in lab.records(published.calls_table)},
        holders=frozenset(call_id for budget in budgets for call_id in budget.get(HOLDERS, ())),
        dead_letters={name: list(_taken(lab, url)) for name, url in queues.items() if url},
    )


def verdicts(lab: Laboratory, lanes: Mapping[str, Lane], ends: Sequence[Ended]) -> dict[int, list[str]]:
    """Return what each sample has broken, by its number, with its ledger record; and under -1 what nobody's is."""
    states = {name: state_of(lab, lane) for name, lane in lanes.items()}
    found: dict[int, list[str]] = {-1: list(_nobodys(states, ends))}
    for end in ends:
        state = states[end.placed.lane.name]
        words = list(broken(life_of(end, state)))
        found[end.placed.sample.number] = words + [_history(end, state)] * bool(words)
    return found


def _history(end: Ended, state: LaneState) -> str:
    """Tell when the call was in each state, and when it was struck, in seconds since it was queued."""
    record = state.calls.get(end.placed.call_id, {})
    times = {name.removesuffix(EPOCH_MS): int(at) for name, at in record.items() if name.endswith(EPOCH_MS)}
    if end.struck and end.struck.met_epoch_ms:
        times["struck"] = end.struck.met_epoch_ms
    begin_ms = times.get(CallState.QUEUED, min(times.values(), default=0))
    in_order = sorted(times.items(), key=lambda item: item[1])
    return f"{record.get('state')}: " + ", ".join(f"{name} {(at - begin_ms) / 1_000:+.1f} s" for name, at in in_order)


def life_of(end: Ended, state: LaneState) -> Life:
    """Return what became of one call."""
    placed, execution = end.placed, end.execution
    sample, notes = placed.sample, placed.lane.notes
    submits = notes.submits.get(sample.name, [])
    output = json.loads(execution["output"]) if execution["status"] == "SUCCEEDED" else None
    return Life(
        policy=sample.policy,
        expected=sample.story.error,
        in_doubt=_in_doubt(end, state) or any(submit.said is Said.SILENT for submit in submits),
        ended_us=None if execution["status"] == "RUNNING" else round(execution["stopDate"].timestamp() * 1_000_000),
        error=None if output else _error(execution),
        job_id=placed.output_job_id(output) if output else None,
        jobs=notes.jobs.get(sample.name, []),
        submits_us=[submit.at_us for submit in submits],
        keeps_permit=placed.call_id in state.holders,
        dead_letters_in=[name for name, texts in state.dead_letters.items() if _are_about(texts, end)],
        jobs_left=(),  # no execution is stopped here
    )


def _error(execution: Mapping[str, Any]) -> str:
    return str(execution.get("error") or {"TIMED_OUT": "States.Timeout"}.get(execution["status"], execution["status"]))


def _in_doubt(end: Ended, state: LaneState) -> bool:
    """Return whether the fault struck the caller while the ledger said that it was sending, so that nobody can know
    whether the vendor has the call. What the vendor refuses is known.
    """
    cell, struck = end.placed.sample.cell, end.struck
    if cell is None or struck is None or struck.met_epoch_ms is None:
        return False
    call = cell.fault.call
    if call.function != "caller" or (call.to_vendor and cell.fault.kind is Kind.THROTTLED):
        return False
    record = state.calls.get(end.placed.call_id, {})
    sending_ms, accepted_ms = (record.get(since_attribute(at)) for at in (CallState.SENDING, CallState.ACCEPTED))
    return (
        sending_ms is not None
        and int(sending_ms) <= struck.met_epoch_ms
        and (accepted_ms is None or int(accepted_ms) >= struck.met_epoch_ms)
    )


def _are_about(texts: Iterable[str], end: Ended) -> bool:
    return any(known in text for text in texts for known in end.placed.about)


def _nobodys(states: Mapping[str, LaneState], ends: Sequence[Ended]) -> Iterator[str]:
    """Yield dead letters that are about none of the calls."""
    for lane, state in states.items():
        for queue, texts in state.dead_letters.items():
            for text in texts:
                if not any(_are_about([text], end) for end in ends):
                    yield f"a dead letter of nobody's in {queue} of {lane}: {text[:300]}"


def _taken(lab: Laboratory, url: str) -> Iterator[str]:
    """Take all messages of a queue, as text, decoded where they are base64."""
    sqs = lab.target.client("sqs")
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield f"{message['Body']} {decoded(message['Body'])} {message.get('MessageAttributes', '')}"

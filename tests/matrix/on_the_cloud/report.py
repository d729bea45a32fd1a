"""What became of the samples, as text: a line for each red one and for each that was not struck, then a table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.matrix.faults import Kind
from tests.matrix.on_the_cloud.course import Ended


def report(ends: Sequence[Ended], found: Mapping[int, Sequence[str]], seconds: float) -> Iterator[str]:
    """Yield lines; `found` is of `judgement.verdicts`."""
    for end in ends:
        if words := found[end.placed.sample.number]:
            yield f"RED {_named(end)}: {', '.join(words)} ({_told(end)})"
    yield from found[-1]
    faults = [end for end in ends if end.struck is not None]
    for end in faults:
        if not end.was_struck:
            yield f"not struck: {_named(end)}"
    yield ""
    yield from _table(faults, found)
    yield ""
    yield from _figures(ends, faults, found, seconds)


def _named(end: Ended) -> str:
    sample = end.placed.sample
    other = sample.cell is not None and sample.ordinal != sample.cell.fault.call.ordinal
    return f"{sample} (execution {sample.name}{f', call #{sample.ordinal} of its kind' if other else ''})"


def _told(end: Ended) -> str:
    execution = end.execution
    return " ".join(str(execution[field]) for field in ("status", "error", "cause") if execution.get(field))


def struck_count(ends: Sequence[Ended]) -> int:
    """Count the faults that struck."""
    return sum(end.was_struck for end in ends)


def _table(faults: Sequence[Ended], found: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """Functions in rows, kinds in columns: how many were struck, and how many of them are red."""
    cells = [(end, end.placed.sample.cell.fault) for end in faults if end.placed.sample.cell and end.was_struck]
    yield " " * 10 + "".join(f"  {kind:>18}" for kind in Kind)
    for function in sorted({fault.call.function for _, fault in cells}):
        row = f"{function:10}"
        for kind in Kind:
            here = [end for end, fault in cells if (fault.call.function, fault.kind) == (function, kind)]
            red_count = sum(bool(found[end.placed.sample.number]) for end in here)
            row += f"  {f'{red_count} red of {len(here)}' if red_count else len(here):>18}"
        yield row


def _figures(
    ends: Sequence[Ended], faults: Sequence[Ended], found: Mapping[int, Sequence[str]], seconds: float
) -> Iterator[str]:
    red = [words for end in ends if (words := found[end.placed.sample.number])]
    jobs = Counter(len(end.placed.lane.notes.jobs.get(end.placed.sample.name, ())) for end in ends)
    yield (
        f"{len(ends)} executions in {seconds:.0f} s, {len(ends) - len(faults)} of them without a fault;"
        f" {struck_count(ends)} of {len(faults)} faults struck; {len(red) + len(found[-1])} red"
    )
    yield f"jobs at the vendor: {', '.join(f'{count} of {many} calls' for count, many in sorted(jobs.items()))}"
    for words, count in Counter(word for each in red for word in each[:-1]).most_common():
        yield f"  {words}: {count}"
    for policy in sorted({end.placed.sample.policy for end in ends}):
        counts = Counter(
            end.execution.get("error") or end.execution["status"] for end in ends if end.placed.sample.policy is policy
        )
        yield f"{policy}: {', '.join(f'{end} {count}' for end, count in counts.most_common())}"

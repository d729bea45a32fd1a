"""The proof that strictness shows faults: each row of the table is put into a copy of the sources, and a test is run.

With all refusals the test has to be red. With those of the row left out it has to be green: they and nothing else show
the fault. `make proof-faults`, or `python -m tests.proofs.faults NAME...` for some of the rows.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from headway.cloud.strictness import LENIENT_VARIABLE
from tests.checkout import ROOT
from tests.proofs.sources import copy_sources, link_packages, packages
from tests.proofs.table import FAULTS, Change, Fault

LONGEST_S: Final = 400
"""A test of the infrastructure synthesizes first; one on the embedded cloud starts that."""
GREEN, RED = 0, 1
"""Exit codes of pytest: all tests passed, or some failed. All others say that it was used wrongly."""

RunTest = Callable[[str, Mapping[str, str]], int]
"""Runs a pytest node ID in the copy, under environment variables of its own; its exit code comes back."""


class StaleRowError(Exception):
    """A row does not fit the sources any more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test of a row said: with the fault and all refusals, and without what shows it."""

    fault: Fault
    shown: int
    hidden: int
    duration_s: float

    @property
    def holds(self) -> bool:
        """Return whether the test was red for the fault, and for nothing else."""
        return (self.shown, self.hidden) == (RED, GREEN)

    def line(self) -> str:
        """Write a row of the printed table."""
        by = ", ".join(self.fault.refusals) or "the test itself"
        mark = "ok" if self.holds else "DOES NOT HOLD"
        return (
            f"{self.fault.name:28} {by:28} {_colour(self.shown):9} {_colour(self.hidden):9} {self.duration_s:5.0f} s"
            f"  {mark}"
        )


HEADS: Final = f"{'fault':28} {'shown by':28} {'with it':9} {'without':9} {'':7}"


@contextmanager
def changed(root: Path, changes: Sequence[Change]) -> Iterator[None]:
    """Put a fault into the sources below `root`, and take it out again. Raises StaleRowError where a text is not there
    exactly once.
    """
    before = {change.file: (root / change.file).read_text() for change in changes}
    try:
        for change in changes:
            text = (root / change.file).read_text()
            if (count := text.count(change.old)) != 1:
                raise StaleRowError(f"{change.file}: {change.old!r} stands there {count} times")
            (root / change.file).write_text(text.replace(change.old, change.new))
        yield
    finally:
        for name, text in before.items():
            (root / name).write_text(text)


def judge(fault: Fault, root: Path, run_test: RunTest) -> Verdict:
    """Run the test of a row twice. Raises StaleRowError."""
    started_s = time.monotonic()
    with changed(root, fault.changes):
        shown = run_test(fault.test, {LENIENT_VARIABLE: ""})
        if fault.refusals:
            hidden = run_test(fault.test, {LENIENT_VARIABLE: ",".join(fault.refusals)})
    if not fault.refusals:
        hidden = run_test(fault.test, {LENIENT_VARIABLE: ""})
    return Verdict(fault, shown, hidden, time.monotonic() - started_s)


def in_copy(root: Path) -> RunTest:
    """Return what runs a test in the copy, whose packages come before those that are installed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(link_packages(root, root / ".packages")),
        "PYTHONDONTWRITEBYTECODE": "1",  # a change within one second and of the same length would not be seen
    }
    asked = "from headway_cdk.resources import resource; import sys; print(*map(resource, sys.argv[1:]))"
    found = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-P", "-c", asked, *packages(root)],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if not all(Path(name).is_relative_to(root) for name in found):
        raise RuntimeError(f"the copy is not what runs: {found}")

    def run_test(test: str, variables: Mapping[str, str]) -> int:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-header", test]
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            env={**environment, **variables},
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_S,
        )
        if done.returncode not in (GREEN, RED):
            sys.stderr.write(done.stdout + done.stderr)
        return done.returncode

    return run_test


def prove(faults: Sequence[Fault], tell: Callable[[str], object] = print) -> bool:
    """Judge each row in one copy of this checkout, and tell the table. False where one does not hold."""
    tell(HEADS)
    sound = True
    with TemporaryDirectory(prefix="headway-faults-") as folder:
        copy = Path(folder).resolve()
        copy_sources(ROOT, copy)
        run_test = in_copy(copy)
        for fault in faults:
            verdict = judge(fault, copy, run_test)
            tell(verdict.line())
            sound &= verdict.holds
    return sound


def chosen(names: Sequence[str]) -> Sequence[Fault]:
    """Return the rows of some names, or all of them. Raises SystemExit for a name that no row has."""
    if unknown := sorted(set(names) - {fault.name for fault in FAULTS}):
        raise SystemExit(f"no fault is called {', '.join(unknown)}")
    return [fault for fault in FAULTS if not names or fault.name in names]


def _colour(code: int) -> str:
    return {GREEN: "green", RED: "red"}.get(code, f"exit {code}")


if __name__ == "__main__":
    sys.exit(not prove(chosen(sys.argv[1:])))

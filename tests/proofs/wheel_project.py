"""The proof that the wheel is all that a project needs: `make proof-wheel`.

In an empty folder, with the wheel and its locked dependencies in a fresh virtual environment, and git, make, sh and
coreutils on PATH beside it: `headway init shop`, then what the README of that project says, typed from there. Nothing
of this checkout may be read, and nothing may be left. One line for each step, with its seconds.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from headway.run.results import LEDGER_TIMES
from tests.checkout import ROOT
from tests.proofs.locked import part_of_lock
from tests.proofs.project_grants import ORDER, differences
from tests.proofs.sources import build_wheel, environment_with

PROJECT: Final = "shop"
LEFT_OUT: Final = frozenset({"Set-up", "On AWS"})
"""Sections of the README: this environment is set up already, and has no account."""
LONGER: Final = frozenset({"Another vendor"})
"""The section that takes a second deployment."""
FOREGROUND: Final = "headway vendor"
"""What the README has typed in a second terminal, and ended by Ctrl-C."""
READY_S: Final = 60.0
TOOLS: Final = (
    *("git", "make", "sh", "cat", "chmod", "cp", "cut", "date", "dirname", "basename", "echo", "env", "expr", "head"),
    *(
        "id",
        "ln",
        "ls",
        "mkdir",
        "mktemp",
        "mv",
        "nproc",
        "printf",
        "pwd",
        "readlink",
        "realpath",
        "rm",
        "rmdir",
        "sleep",
    ),
    *("sort", "stat", "tail", "test", "touch", "tr", "true", "uname", "uniq", "wc"),
)
KEPT: Final = re.compile(r"PIP_|UV_|SSL_|REQUESTS_CA_BUNDLE$|(HTTPS?|NO|ALL)_PROXY$", re.IGNORECASE)
"""Variables that say where this machine gets packages from."""
WATCH: Final = """
import os, sys
def watch(event, words, checkout=bytes.fromhex({checkout!r}).decode(), log={log!r}):
    if event in ("open", "os.listdir", "os.scandir") and words and isinstance(words[0], (str, bytes, os.PathLike)):
        path = os.fsdecode(words[0])
        if path == checkout or path.startswith(checkout + os.sep):
            with open(log, "a") as file:
                file.write(path + chr(10))
sys.addaudithook(watch)
"""


class NotProved(Exception):  # noqa: N818 - what it is
    """Something is not as it has to be."""


@dataclass(slots=True)
class Stranger:
    """Somebody who has the wheel, an empty folder and a terminal."""

    scratch: Path
    home: Path = field(init=False)
    scripts: Path = field(init=False)
    log: Path = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home, self.log, self.folder = self.scratch / "home", self.scratch / "read", self.scratch / "empty"
        self.scripts = self.scratch / "environment" / ("Scripts" if os.name == "nt" else "bin")
        for made in (self.home, self.folder, self.scratch / "tools", self.scratch / "tmp"):
            made.mkdir()
        for tool in TOOLS:
            if found := shutil.which(tool):
                (self.scratch / "tools" / tool).symlink_to(found)

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if KEPT.match(name)}
        path = os.pathsep.join([str(self.scripts), str(self.scratch / "tools")])
        return {**kept, "PATH": path, "HOME": str(self.home), "TMPDIR": str(self.scratch / "tmp")}

    def install(self, wheel: Path) -> None:
        """Make the environment: dependencies by the lock, then the wheel."""
        with zipfile.ZipFile(wheel) as archive:
            [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            told = archive.read(name).decode().partition("\n\n")[0].splitlines()
        needed = [line.partition(": ")[2] for line in told if line.startswith("Requires-Dist: ")]
        locked = self.scratch / "locked.txt"
        locked.write_text(part_of_lock(ROOT / "requirements" / "dev.lock", [*needed, "pytest"]))
        # By the interpreter under this one: a virtual environment writes down who made it.
        base = str(sys._base_executable)  # type: ignore[attr-defined]
        self._run([base, "-m", "venv", str(self.scripts.parent)])
        pip = [str(self.scripts / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        self._run([*pip, "install", "--no-deps", "--require-hashes", "-r", str(locked)])
        self._run([*pip, "install", "--no-deps", str(wheel)])
        self._run([*pip, "check"])

    def add_script(self, name: str, arguments: str) -> None:
        """Add a command that runs the environment's Python with these arguments first."""
        path = self.scripts / name
        path.write_text(f'#!/bin/sh\nexec "{self.scripts / "python"}" {arguments} "$@"\n')
        path.chmod(0o755)

    def watch(self) -> None:
        """Have every Python of the environment write down what of this checkout it opens, and see that it does."""
        site = Path(sysconfig.get_path("purelib", vars={"base": str(self.scripts.parent)}))
        # In digits: neither the text nor what Python compiles of it may be taken for a trace of the checkout.
        code = WATCH.format(checkout=str(ROOT).encode().hex(), log=str(self.log))
        (site / "headway_watch.py").write_text(code)
        (site / "headway_watch.pth").write_text("import headway_watch\n")
        self._run([str(self.scripts / "python"), "-c", "import sys; open(sys.argv[1]).close()", str(ROOT / "Makefile")])
        if self.log.read_text().splitlines() != [str(ROOT / "Makefile")]:
            raise NotProved("what Python opens is not seen")
        self.log.unlink()

    def type(self, line: str) -> str:
        """Run a line by sh and return what it said."""
        return self._run(["sh", "-eu", "-c", line])

    def start(self, line: str) -> subprocess.Popen[str]:
        """Run a line in a second terminal, and wait for the first words."""
        said = self.scratch / "second-terminal"
        with said.open("w") as out:
            started = subprocess.Popen(  # noqa: S603 - our own words
                ["sh", "-eu", "-c", f"exec {line}"],  # noqa: S607
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        until = time.monotonic() + READY_S
        while "http://" not in said.read_text():
            if started.poll() is not None or time.monotonic() > until:
                raise NotProved(f"{line}: {said.read_text() or 'says nothing'}")
            time.sleep(0.1)
        return started

    def end(self, started: "subprocess.Popen[str]") -> str:
        """Press Ctrl-C in the second terminal; returns what it said."""
        started.send_signal(signal.SIGINT)
        if code := started.wait(READY_S):
            raise NotProved(f"the second terminal ended with {code}")
        return (self.scratch / "second-terminal").read_text()

    def _run(self, words: Sequence[str]) -> str:
        done = subprocess.run(  # noqa: S603 - our own words
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotProved(f"{words[-1]}: ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """Return what runs with the home of this stranger."""
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if one.environ().get("HOME") == str(self.home) and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    def traces(self) -> list[str]:
        """Return what tells of this checkout: files that were opened there, and files here that have its path."""
        opened = self.log.read_text().splitlines() if self.log.exists() else []
        needle = str(ROOT).encode()
        files = (path for path in self.scratch.rglob("*") if path.is_file() and not path.is_symlink())
        return [*opened, *(str(path) for path in files if needle in path.read_bytes())]


def typed(readme: str, left_out: Collection[str] = LEFT_OUT) -> Iterator[list[str]]:
    """Yield the commands of each `sh` block of a README, but for the sections that are left out."""
    section = ""
    block: list[str] | None = None
    for line in readme.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("```"):
            if block and section not in left_out:
                yield block
            block = [] if line == "```sh" else None
        elif block is not None and line.strip() and not line.startswith("#"):
            block.append(line)


def words(line: str) -> str:
    """Return a line without its remark."""
    return line.partition(" #")[0].strip()


def type_all(stranger: Stranger, block: Sequence[str]) -> None:
    """Type a block; what runs in a second terminal is ended after it."""
    started, calls_count = None, 0
    try:
        for line in block:
            with step(words(line)):
                if is_foreground(line):
                    started = stranger.start(line)
                else:
                    stranger.type(line)
            if words(line).startswith("headway run "):
                calls_count += check_results(stranger, line)
            if words(line) == "headway synth" and (wrong := differences(stranger.folder / "cdk.out", "order", ORDER)):
                raise NotProved("; ".join(wrong))
    finally:
        said = stranger.end(started) if started else ""
    if started and not re.search(rf"jobs succeeded\D+{calls_count}\b", said):
        raise NotProved(f"the vendor saw something else than {calls_count} jobs that succeeded:\n{said}")


def is_foreground(line: str) -> bool:
    """Return whether a line is for a second terminal."""
    return words(line) == FOREGROUND or words(line).startswith(f"{FOREGROUND} ")


def check_results(stranger: Stranger, line: str) -> int:
    """Look at what a run wrote beside its input; returns how many calls it was asked for."""
    source = stranger.folder / line.partition("--input ")[2].split()[0]
    limit = re.search(r"--limit (\d+)", line)
    calls_count = int(limit[1]) if limit else len(source.read_text().splitlines())
    records = [json.loads(one) for one in source.with_suffix(".results.jsonl").read_text().splitlines()]
    outcomes = [record["outcome"] for record in records]
    if outcomes != ["succeeded"] * calls_count:
        raise NotProved(f"{words(line)}: {outcomes}")
    untold = [record["line"] for record in records if any(record[time] is None for time in LEDGER_TIMES)]
    if untold:
        raise NotProved(f"{words(line)}: the ledger was not asked for the calls of lines {untold}, or under other keys")
    return calls_count


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print a step with its seconds."""
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:6.1f} s  {name}", flush=True)  # noqa: T201 - what the command is for


def prove(scratch: Path, *, over_what_is_here: bool = False) -> None:
    """Take all steps. Raises NotProved at the first that is not as it has to be.

    `over_what_is_here` takes the dependencies of this checkout's environment in the place of new ones: quick, and then
    nobody can say that nothing of the checkout is read. It leaves out what is LONGER.
    """
    stranger = Stranger(scratch)
    (built := scratch / "built").mkdir()
    try:
        with step("the wheel is built"):
            wheel = build_wheel(ROOT, built)
        if over_what_is_here:
            stranger.scripts = environment_with(str(wheel), scratch / "environment")
            stranger.add_script("pytest", "-m pytest -p no:schemathesis")  # which the environment here has beside it
        else:
            with step("the wheel and its dependencies are installed, by the lock"):
                stranger.install(wheel)
            stranger.watch()
        with step(f"headway init {PROJECT} && cd {PROJECT}"):
            stranger.type(f"headway init {PROJECT}")
            stranger.folder /= PROJECT
        left_out = LEFT_OUT | LONGER if over_what_is_here else LEFT_OUT
        blocks = list(typed((stranger.folder / "README.md").read_text(), left_out))
        if not blocks:
            raise NotProved("the README has nothing to type")
        for block in blocks:
            type_all(stranger, block)
        if not over_what_is_here and (traces := stranger.traces()):
            raise NotProved(f"of the checkout: {', '.join(traces)}")
        if left := [" ".join(one.cmdline()) for one in stranger.processes()]:
            raise NotProved(f"still running: {left}")
    finally:
        for one in stranger.processes():
            with suppress(psutil.Error):
                one.kill()


def main() -> int:
    """Prove it in a folder that is gone afterwards; 1 where it is not so."""
    with TemporaryDirectory(prefix="headway-project-") as folder:
        try:
            prove(Path(folder).resolve())
        except NotProved as not_so:
            sys.stderr.write(f"not proved: {not_so}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Workers are forked from a process that has imported boto3 and the bundle: they share its memory and start at once.

AWS has a machine for each worker; a laptop has one for all. A worker of its own weighs 75 MB and takes a second of CPU
to start. What ministack sees is a process as before: its own pid, environment, folder and pipes; it is killed alone.
There is one template (`_template`) for each bundle, and one for all code that brings no libraries: that one starts with
the first such function, as AWS prepares one while it is pending; it takes a second, in which calls would miss their
slots. Code that brings an SDK or layers, and other runtimes than Python, are started by ministack.
"""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any, Final, Self

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from headway.cloud.patches import _template

TEMPLATES_AT_MOST: Final = 4
"""Of 60 MB each. The one that was used least lately goes; its workers stay."""
LAYERS_VARIABLE: Final = "_LAMBDA_LAYERS_DIRS"
SDK: Final = ("boto3", "botocore")
INSTALLED: Final = ".dist-info"
"""End of the folder that says what was installed beside code."""


class ForkedWorker:
    """A process that a template forks: so much of `subprocess.Popen` as ministack uses of it."""

    def __init__(self, template: socket.socket, order: Mapping[str, Any]) -> None:
        """Fork it. Raises OSError or ValueError where the template is gone."""
        self._life, its_life = socket.socketpair()
        weakref.finalize(self, self._life.close)
        its_stdin, stdin = os.pipe()
        stdout, its_stdout = os.pipe()
        stderr, its_stderr = os.pipe()
        self.stdin: IO[str] = os.fdopen(stdin, "w", buffering=1)
        self.stdout: IO[str] = os.fdopen(stdout)
        self.stderr: IO[str] = os.fdopen(stderr)
        self.returncode: int | None = None
        try:
            try:
                socket.send_fds(template, [b"w"], [its_life.fileno(), its_stdin, its_stdout, its_stderr])
            finally:
                its_life.close()
                for descriptor in (its_stdin, its_stdout, its_stderr):
                    os.close(descriptor)
            self._life.sendall(json.dumps(order).encode() + b"\n")
            with self._life.makefile() as answer:
                self.pid = int(answer.readline())
        except BaseException:
            for stream in (self.stdin, self.stdout, self.stderr):
                stream.close()
            raise

    def poll(self) -> int | None:
        """Return None while it runs; then -1: only its parent, the template, could know the status."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, which closes its socket. Raises TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            if not wait([self._life], timeout):
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            self.returncode = -1
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(frozen=True, slots=True)
class Template:
    """A process that runs `_template`, and our end of its socket."""

    process: subprocess.Popen[bytes]
    socket: socket.socket

    @classmethod
    def started(cls, bundle: str) -> Self:
        """Start one that has imported the folder of a bundle, or boto3 alone for ""."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", _template.__file__, str(theirs.fileno()), *([bundle] if bundle else [])]
            return cls(subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]), ours)  # noqa: S603

    def end(self) -> None:
        """Let it end; its workers stay."""
        self.socket.close()
        self.process.wait()


class Templates:
    """The templates that run, by the folder of a bundle, or "" for all other code. Threads may share it."""

    def __init__(self, at_most: int = TEMPLATES_AT_MOST) -> None:
        self._at_most = at_most
        self._running: dict[str, Template] = {}
        self._lock = threading.Lock()

    def fork(self, bundle: str, order: Mapping[str, Any]) -> ForkedWorker:
        """Fork a worker, from a new template where that of before is gone."""
        template = self._template(bundle)
        try:
            return ForkedWorker(template.socket, order)
        except (OSError, ValueError):
            return ForkedWorker(self._template(bundle, gone=template).socket, order)

    def ready(self, bundle: str) -> None:
        """Let a template start, where it does not run yet; nobody waits for that."""
        self._template(bundle)

    def end(self) -> None:
        """Let all end."""
        with self._lock:
            while self._running:
                self._running.popitem()[1].end()

    def _template(self, bundle: str, gone: Template | None = None) -> Template:
        with self._lock:
            template = self._running.pop(bundle, None)
            if template is not None and template is gone:
                template.end()
                template = None
            template = template or Template.started(bundle)
            self._running[bundle] = template  # at the end: the first one is the one that was used least lately
            if len(self._running) > self._at_most:
                self._running.pop(next(iter(self._running))).end()
            return template


def bundle_of(code_dir: Path) -> str | None:
    """Return the folder of the bundle that `code_dir` links to, "" for code without libraries; None where the code
    brings an SDK, which has to be imported instead of ours.
    """
    entries = list(code_dir.iterdir())
    if any(entry.name in SDK for entry in entries):
        return None
    installed = [entry for entry in entries if entry.suffix == INSTALLED]
    return str(installed[0].resolve().parent) if installed else ""


def brings_no_libraries(code: bytes) -> bool:
    """Return whether a zip of code brings nothing that is installed, and no SDK. False where it is no zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as unpacked:
            tops = {Path(Path(name).parts[0]) for name in unpacked.namelist() if name.strip("/")}
    except zipfile.BadZipFile:
        return False
    return not any(top.suffix == INSTALLED or top.name in SDK for top in tops)


class ForkingSubprocess:
    """The module `subprocess`, whose Popen forks a Python worker."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def Popen(  # noqa: N802 - the module's own name
        self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any
    ) -> Any:
        """Fork a Python worker; start anything else as the module does."""
        bundle = bundle_of(Path(cwd)) if command[0] == sys.executable and LAYERS_VARIABLE not in env else None
        if bundle is None:
            return subprocess.Popen(command, cwd=cwd, env=env, **options)  # noqa: S603 - ministack's own words
        return self._templates.fork(bundle, {"script": command[1], "folder": cwd, "environment": env})

    def __getattr__(self, name: str) -> Any:
        """Return what the module has."""
        return getattr(subprocess, name)


def preparing(create: Callable[..., Any], templates: Templates) -> Callable[..., Any]:
    """Return what creates a function of a stack, which lets the template of code without libraries start with the
    first such function.
    """

    def create_function(logical_id: str, properties: Mapping[str, Any], *rest: Any) -> Any:
        created = create(logical_id, properties, *rest)
        made = lambda_svc._functions.get(created[0]) or {}
        code, runtime = made.get("code_zip"), made.get("config", {}).get("Runtime") or ""
        if code and runtime.startswith("python") and brings_no_libraries(code):
            templates.ready("")
        return created

    return create_function


def apply() -> None:
    """Let workers be forked where a system can."""
    if hasattr(os, "fork"):
        templates = Templates()
        lambda_runtime.subprocess = ForkingSubprocess(templates)
        handlers = provisioners._RESOURCE_HANDLERS
        function = handlers["AWS::Lambda::Function"]
        handlers["AWS::Lambda::Function"] = {**function, "create": preparing(function["create"], templates)}

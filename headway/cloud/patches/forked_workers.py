"""Workers are forked from a process that has imported boto3 and the bundle: they share its memory and start at once.

AWS has a machine for each worker; a laptop has one for all. A worker of its own weighs 75 MB and takes a second of CPU
to start. What ministack sees is a process as before: its own pid, environment, folder and pipes; it is killed alone.
There is one template (`_template`) for each bundle, and one for all code that brings no libraries. Code that brings
an SDK or layers, and other runtimes than Python, are started by ministack.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any, Final

from ministack.core import lambda_runtime

from headway.cloud.patches import _template

TEMPLATES_AT_MOST: Final = 4
"""Of 60 MB each. The one that was used least lately goes; its workers stay."""
LAYERS_VARIABLE: Final = "_LAMBDA_LAYERS_DIRS"
SDK: Final = ("boto3", "botocore")


class ForkedWorker:
    """A process that a template forks: so much of `subprocess.Popen` as ministack uses of it."""

    def __init__(self, template: socket.socket, order: Mapping[str, Any]) -> None:
        """Fork it. Raises OSError or ValueError where the template is gone."""
        self._life, theirs = socket.socketpair()
        stdin, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self.stdin: IO[str] = os.fdopen(self._stdin, "w", buffering=1)
        self.stdout: IO[str] = os.fdopen(self._stdout)
        self.stderr: IO[str] = os.fdopen(self._stderr)
        self.returncode: int | None = None
        try:
            socket.send_fds(template, [b"w"], [theirs.fileno(), stdin, stdout, stderr])
        finally:
            theirs.close()
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        self._life.sendall(json.dumps(order).encode() + b"\n")
        with self._life.makefile() as answer:
            self.pid = int(answer.readline())

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


class Templates:
    """The templates that run, by the folder of a bundle, or "" for all other code. Threads may share it."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}
        self._lock = threading.Lock()

    def fork(self, bundle: str, order: Mapping[str, Any]) -> ForkedWorker:
        """Fork a worker, from a new template where that of before is gone."""
        template = self._running(bundle)
        try:
            return ForkedWorker(template, order)
        except (OSError, ValueError):
            return ForkedWorker(self._running(bundle, gone=template), order)

    def _running(self, bundle: str, gone: socket.socket | None = None) -> socket.socket:
        with self._lock:
            template = self._sockets.pop(bundle, None)
            if template is None or template is gone:
                template = _started(bundle)
            self._sockets[bundle] = template  # the last one used is the last to go
            if len(self._sockets) > TEMPLATES_AT_MOST:
                del self._sockets[next(iter(self._sockets))]  # closed once no thread has it in its hands
            return template


def _started(bundle: str) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-P", _template.__file__, str(theirs.fileno()), *([bundle] if bundle else [])]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: S603 - our own words
    return ours


def bundle_of(code_dir: Path) -> str | None:
    """Return the folder of the bundle that `code_dir` links to, "" for code without libraries; None where the code
    brings an SDK, which has to be imported instead of ours.
    """
    entries = list(code_dir.iterdir())
    if any(entry.name in SDK for entry in entries):
        return None
    installed = [entry for entry in entries if entry.suffix == ".dist-info"]
    return str(installed[0].resolve().parent) if installed else ""


class ForkingSubprocess:
    """The module `subprocess`, whose Popen forks a Python worker."""

    def __init__(self) -> None:
        self._templates = Templates()

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


def apply() -> None:
    """Let workers be forked where a system can."""
    if hasattr(os, "fork"):
        lambda_runtime.subprocess = ForkingSubprocess()

"""A process that workers are forked from: it has imported what they all need, and they share the memory of that.

In, on the socket whose descriptor is the first argument: one byte for each worker, with four descriptors: a socket of
the worker's own, its stdin, stdout and stderr. The worker reads its order there, one line of JSON, answers its pid, and
keeps the socket until it ends. Out: nothing else. It ends when the other end of its socket is closed.

It has one thread: a fork copies no other, with whatever that one holds. It reads no environment and holds no secret.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SERVICES = ("appconfigdata", "dynamodb", "s3", "secretsmanager", "sqs", "ssm", "stepfunctions")
"""What functions ask most; boto3's descriptions of them are half of what a worker weighs."""
LIBRARIES = ("aws_lambda_powertools", "httpx", "httpcore")
LANE = "headway_lane"
"""Our own package reads nothing when it is imported, so all of its modules may be."""
DESCRIPTORS_COUNT = 4


def import_sdk() -> None:
    """Import boto3, and let all sessions of a process share the descriptions of services that are read here."""
    with contextlib.suppress(ImportError):
        session = importlib.import_module("botocore.session")
        session.create_loader = cache(session.create_loader)  # type: ignore[attr-defined]
        boto3 = importlib.import_module("boto3")
        nobody = boto3.Session("nobody", "nothing", region_name="us-east-1")
        for service in SERVICES:
            nobody.client(service)
        nobody.resource("dynamodb").Table("nothing")


def import_code(folder: str) -> None:
    """Import from a folder of code what is known to start nothing. What cannot be imported is left to the worker."""
    sys.path.insert(0, folder)
    names: Iterable[str] = [name for name in LIBRARIES if Path(folder, name).is_dir()]
    if (lane := Path(folder, LANE)).is_dir():
        names = [*names, *(module.name for module in pkgutil.walk_packages([str(lane)], f"{LANE}."))]
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    sys.path.remove(folder)


def next_worker(control: socket.socket) -> list[int] | None:
    """Fork a process for every message. Return its descriptors there, and None here once nobody wants another."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, DESCRIPTORS_COUNT)
        if not message:
            return None
        if os.fork() == 0:
            return descriptors
        for descriptor in descriptors:
            os.close(descriptor)


def run(order: dict[str, str], environment: dict[str, str]) -> None:
    """Become what `python SCRIPT` is in that folder, with that environment."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(order["folder"])
    sys.argv = [order["script"]]
    runpy.run_path(order["script"], run_name="__main__")


def main() -> None:
    """Import, then fork until the other end closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if len(sys.argv) > 2:
        import_code(sys.argv[2])
    import_sdk()
    gc.collect()
    gc.freeze()  # a collection in a worker would write into every object, and make it the worker's own
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers: their sockets tell of their end
    descriptors = next_worker(control)
    if descriptors is None:
        return
    control.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    life, *streams = descriptors
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    with socket.socket(fileno=life) as alive, alive.makefile() as lines:
        order = json.loads(lines.readline())
        alive.sendall(f"{os.getpid()}\n".encode())
        run(order, order.pop("environment"))


if __name__ == "__main__":
    main()

"""The patch of the emulator's workers: they are forked from a process that has imported what they need."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from headway.cloud.patches.forked_workers import LAYERS_VARIABLE, ForkingSubprocess, Templates

ECHO = """
import os, sys
print(os.getpid(), os.getppid(), os.getcwd(), os.environ.get("OWN"), flush=True)
for line in sys.stdin:
    print(line.strip().upper(), flush=True)
"""
Start = Callable[..., Any]
"""Starts a script: `start(source, **environment)`."""


@pytest.fixture(scope="module")
def forking() -> Iterator[ForkingSubprocess]:
    templates = Templates()
    yield ForkingSubprocess(templates)
    templates.end()


def starter(popen: Any, folder: Path, code: Path | None = None) -> Start:
    """Return what starts a script in a folder of code as the emulator does."""
    code = code or folder / "code"
    code.mkdir(exist_ok=True)

    def start(source: str, **environment: str) -> Any:
        script = folder / f"{uuid4().hex}.py"
        script.write_text(source)
        pipes: Mapping[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        own = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environment}
        return popen([sys.executable, str(script)], cwd=str(code), env=own, text=True, bufsize=1, **pipes)

    return start


@pytest.fixture(params=["forked", "of its own"])
def start(request: pytest.FixtureRequest, forking: ForkingSubprocess, tmp_path: Path) -> Start:
    """Start a process either way: a forked one has to be what a process of its own is."""
    return starter(forking.Popen if request.param == "forked" else subprocess.Popen, tmp_path)


@pytest.fixture
def fork(forking: ForkingSubprocess, tmp_path: Path) -> Start:
    return starter(forking.Popen, tmp_path)


def end(*workers: Any) -> None:
    for worker in workers:
        worker.kill()
        worker.wait(5)
        for stream in (worker.stdin, worker.stdout, worker.stderr):
            stream.close()


def said(worker: Any) -> str:
    """Return all that a worker says until it ends, and what it said of errors."""
    words = str(worker.stdout.read() + worker.stderr.read())
    worker.wait(5)
    end(worker)
    return words


def parent_of(worker: Any) -> int:
    return int(worker.stdout.readline().split()[1])


def bundle(folder: Path, **modules: str) -> Path:
    """Write a folder of code with something installed."""
    (folder / "installed-1.0.dist-info").mkdir(parents=True)
    for name, source in modules.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(source)
    return folder


def test_a_worker_has_pid_folder_environment_and_pipes_of_its_own(start: Start, tmp_path: Path) -> None:
    worker = start(ECHO, OWN="mine")
    pid, _, folder, own = worker.stdout.readline().split()
    assert (int(pid), folder, own) == (worker.pid, str(tmp_path / "code"), "mine")
    worker.stdin.write("word\n")
    assert worker.stdout.readline() == "WORD\n"
    end(worker)


def test_nothing_of_one_environment_is_seen_by_the_next_worker(start: Start) -> None:
    print_all = "import os; print(sorted(os.environ))"
    assert "SECRET" in said(start(print_all, SECRET="s"))
    assert said(start(print_all)).replace("'LC_CTYPE', ", "") == "['PATH', 'PYTHONUNBUFFERED']\n"


def test_it_ends_where_its_input_ends(start: Start) -> None:
    worker = start(ECHO)
    assert worker.poll() is None
    worker.stdin.close()
    worker.wait(5)
    assert worker.poll() is not None
    end(worker)


def test_a_crash_is_seen(start: Start) -> None:
    worker = start("import os; os._exit(3)")
    worker.wait(5)
    assert worker.stdout.readline() == ""
    assert worker.poll() is not None
    end(worker)


def test_waiting_for_one_that_goes_on_ends_with_the_time(start: Start) -> None:
    worker = start(ECHO)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=0.01)
    end(worker)


@pytest.mark.parametrize("way", ["terminate", "kill"])
def test_it_is_ended_alone(start: Start, way: str) -> None:
    doomed, other = start(ECHO), start(ECHO)
    getattr(doomed, way)()
    doomed.wait(5)
    other.stdin.write("still here\n")
    other.stdout.readline()
    assert other.stdout.readline() == "STILL HERE\n"
    end(doomed, other)


def test_one_that_ignores_the_request_to_end_is_killed(start: Start) -> None:
    worker = start(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{ECHO}")
    worker.stdout.readline()
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.1)
    worker.kill()
    worker.wait(5)
    end(worker)


def test_to_end_one_that_has_ended_does_nothing(start: Start) -> None:
    worker = start("")
    worker.wait(5)
    worker.terminate()
    end(worker)


def test_an_error_is_told_on_stderr(start: Start) -> None:
    assert "ZeroDivisionError" in said(start("1 / 0"))


def test_processes_that_it_starts_tell_it_how_they_ended(start: Start) -> None:
    source = "import subprocess, sys; print(subprocess.call([sys.executable, '-c', 'raise SystemExit(7)']))"
    assert said(start(source)) == "7\n"


def test_workers_draw_numbers_of_their_own(start: Start) -> None:
    source = "import random; print(random.random())"
    assert said(start(source)) != said(start(source))


def test_workers_come_from_one_process_that_has_imported_the_sdk(fork: Start) -> None:
    first, second = fork(ECHO), fork(ECHO)
    assert parent_of(first) == parent_of(second) != os.getpid()
    assert said(fork("import sys; print('boto3' in sys.modules)")) == "True\n"
    end(first, second)


def test_what_describes_a_service_is_shared_by_the_sessions_of_a_worker(fork: Start) -> None:
    source = """
import boto3
loaders = {id(boto3.Session()._session.get_component("data_loader")) for _ in range(2)}
print(len(loaders), len(boto3.client("sqs", region_name="us-east-1").meta.service_model.operation_names) > 10)
"""
    assert said(fork(source)) == "1 True\n"


def test_a_template_has_one_thread(fork: Start) -> None:
    worker = fork(ECHO)
    assert psutil.Process(parent_of(worker)).num_threads() == 1
    end(worker)


def test_a_worker_that_has_ended_leaves_no_zombie(fork: Start) -> None:
    worker = fork(ECHO)
    template = psutil.Process(parent_of(worker))
    end(worker)
    psutil.wait_procs([psutil.Process(worker.pid)] if psutil.pid_exists(worker.pid) else [], timeout=5)
    assert template.children() == []


def test_a_template_that_is_gone_is_started_again_and_its_workers_go_on(fork: Start) -> None:
    before = fork(ECHO)
    template = parent_of(before)
    os.kill(template, signal.SIGKILL)
    after = fork(ECHO)
    assert parent_of(after) != template
    before.stdin.write("still here\n")
    assert before.stdout.readline() == "STILL HERE\n"
    end(before, after)


def test_a_bundle_has_a_template_with_its_own_libraries(
    forking: ForkingSubprocess, fork: Start, tmp_path: Path
) -> None:
    installed = bundle(tmp_path / "bundle", httpx="version = 'of the bundle'")
    code = tmp_path / "links"
    code.mkdir()
    for entry in installed.iterdir():  # as `shared_code` unpacks
        (code / entry.name).symlink_to(entry)
    start = starter(forking.Popen, tmp_path, code)
    source = (
        "import os, sys; print(os.getpid(), os.getppid()); print(sys.modules['httpx'].version, 'bundle' in sys.path)"
    )
    ours, other = start(source), fork(ECHO)
    assert parent_of(ours) != parent_of(other)
    assert said(ours) == "of the bundle False\n"
    end(other)


def test_a_module_of_a_bundle_that_cannot_be_imported_is_left_to_the_worker(
    forking: ForkingSubprocess, tmp_path: Path
) -> None:
    code = bundle(tmp_path / "bundle", headway_lane="", httpx="raise RuntimeError('not here')")
    (code / "headway_lane" / "broken.py").write_text("1 / 0")
    (code / "headway_lane" / "sound.py").write_text("")
    names = ["httpx", "headway_lane.broken", "headway_lane.sound"]
    source = f"import sys; print([name for name in {names} if name in sys.modules])"
    assert said(starter(forking.Popen, tmp_path, code)(source)) == "['headway_lane.sound']\n"


@pytest.mark.parametrize("entry", ["boto3", "botocore"])
def test_code_that_brings_an_sdk_is_started_as_before(forking: ForkingSubprocess, tmp_path: Path, entry: str) -> None:
    worker = starter(forking.Popen, tmp_path, bundle(tmp_path / "bundle", **{entry: ""}))(ECHO)
    assert parent_of(worker) == os.getpid()
    end(worker)


def test_code_with_layers_is_started_as_before(fork: Start) -> None:
    worker = fork(ECHO, **{LAYERS_VARIABLE: "/layer"})
    assert parent_of(worker) == os.getpid()
    end(worker)


def test_another_runtime_is_started_as_before(forking: ForkingSubprocess, tmp_path: Path) -> None:
    process = forking.Popen(["sh", "-c", ":"], cwd=str(tmp_path), env={"PATH": os.environ["PATH"]})
    assert (process.wait(5), type(process)) == (0, subprocess.Popen)


def test_the_template_that_was_used_least_lately_goes_and_its_worker_stays(tmp_path: Path) -> None:
    templates = Templates(at_most=2)
    forking = ForkingSubprocess(templates)
    first, second, third = (starter(forking.Popen, tmp_path, bundle(tmp_path / name)) for name in ("a", "b", "c"))
    workers = [start(ECHO) for start in (first, second, first, third)]
    parents = [parent_of(worker) for worker in workers]
    assert parents[2] == parents[0]
    assert [psutil.pid_exists(parent) for parent in parents] == [True, False, True, True]
    workers[1].stdin.write("still here\n")
    assert workers[1].stdout.readline() == "STILL HERE\n"
    end(*workers)
    templates.end()

"""Life of the embedded cloud: one detached ministack process with its Lambda workers.

In: a folder for state. Out: an endpoint on 127.0.0.1; `cloud.json` and `cloud.log` in that folder, and one folder for
everything that ministack writes, which goes when the process goes. Nothing else on the machine is touched.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from headway.cloud.port import free_port
from headway.cloud.state import STATE_FILE, CloudState, read_state, write_state
from headway.cloud.strict._deliveries import Deliveries
from headway.cloud.strict._variables import DELIVERIES_VARIABLE, VARIABLES
from headway.cloud.strictness import LENIENT_VARIABLE, left_out
from headway.errors import StartFailed, StopFailed

LOG_FILE = "cloud.log"
EMBEDDED_REGION = "us-east-1"
START_TIMEOUT_S = 30.0
STOP_GRACE_S = 5.0

# ministack starts one process per concurrent invocation, up to 30 MB each, and has no other bound than the account's
# concurrency: at most 32 invocations run at once. Past it a caller gets TooManyRequestsException, and an SQS batch is
# tried again until its visibility timeout, both as on AWS. Then it is one receive nearer to its dead-letter queue:
# mappings need a MaximumConcurrency.
LAMBDA_CONCURRENCY = 32
# What a burst left behind goes after this; the first worker of every function stays warm for good.
LAMBDA_WORKER_TTL_S = 900

_LOG_TAIL_LINES = 15
_POLL_S = 0.05
# psutil derives a process's creation time from the boot time, which moves a little when the clock is set.
_CREATE_TIME_TOLERANCE_S = 2.0
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT")


def start(state_dir: Path, port: int | None = None, extra_environment: Mapping[str, str] | None = None) -> CloudState:
    """Start the embedded cloud and wait until it answers; when it already runs, return it as it is.

    `port` None takes a free one, and a cloud that already runs keeps its own; `extra_environment` sets switches of
    ministack, and ours (HEADWAY_LENIENT and the like), which are taken from our own environment where they are not
    given. Leftovers of a cloud that died are removed first. Raises UsageProblem or PortInUse before anything is
    started, StartFailed after everything is cleared away.
    """
    ours = {name: os.environ.get(name, "") for name in (LENIENT_VARIABLE, *VARIABLES)}
    environment = {**ours, **(extra_environment or {})}
    left_out(environment[LENIENT_VARIABLE])
    Deliveries.of(environment[DELIVERIES_VARIABLE])
    running = status(state_dir)
    if running is not None:
        if left_out(running.lenient) != left_out(environment[LENIENT_VARIABLE]):
            raise StartFailed(
                f"the embedded cloud of {state_dir} runs already, with {LENIENT_VARIABLE}={running.lenient!r}: "
                "stop it with `headway down` to change that"
            )
        _wait_until_healthy(running, state_dir / LOG_FILE)
        return running
    stop(state_dir)
    state_dir.mkdir(parents=True, exist_ok=True)
    port = free_port(port)
    tmp_dir = tempfile.mkdtemp(prefix="cloud-", dir=state_dir.resolve())
    try:
        state = _spawn(port, tmp_dir, state_dir / LOG_FILE, environment)
        write_state(state_dir / STATE_FILE, state)
        _wait_until_healthy(state, state_dir / LOG_FILE)
    except BaseException:  # Ctrl-C too: a start that does not end well leaves nothing behind
        stop(state_dir)
        shutil.rmtree(tmp_dir, ignore_errors=True)
        raise
    return state


def stop(state_dir: Path) -> bool:
    """End the embedded cloud with all its Lambda workers and remove what it wrote; the log stays.

    Returns whether a process was ended. Raises StopFailed when one outlives SIGKILL; the state file then stays.
    """
    state = read_state(state_dir / STATE_FILE)
    if state is None:
        return False
    stopped = False
    # Collected anew before each signal: until ministack itself is gone it may start another worker.
    for signal_name in ("terminate", "kill", "kill"):
        running = members(state)
        if not running:
            break
        stopped = True
        for process in running:
            with contextlib.suppress(psutil.NoSuchProcess):
                getattr(process, signal_name)()
        _wait_until_gone(running)
    if survivors := members(state):
        raise StopFailed(f"still running after SIGKILL: pids {sorted(process.pid for process in survivors)}")
    shutil.rmtree(state.tmp_dir, ignore_errors=True)
    (state_dir / STATE_FILE).unlink(missing_ok=True)
    return stopped


def status(state_dir: Path) -> CloudState | None:
    """Return the embedded cloud whose process is alive, or None; nothing is changed."""
    state = read_state(state_dir / STATE_FILE)
    return state if state is not None and _leader(state) is not None else None


def members(state: CloudState) -> list[psutil.Process]:
    """Return ministack and all that it started, also workers that were re-parented when it died.

    The folder is new with every start and is inherited as TMPDIR, so that it marks them wherever they went.
    """
    found: set[psutil.Process] = set()
    if (leader := _leader(state)) is not None:
        found.add(leader)
        with contextlib.suppress(psutil.NoSuchProcess):
            found.update(leader.children(recursive=True))
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("TMPDIR") == state.tmp_dir:
                found.add(process)
    return [process for process in found if not _is_gone(process)]


def _environment(port: int, tmp_dir: str) -> dict[str, str]:
    """Return the whole environment of ministack, which its Lambda workers inherit.

    Built up instead of cut down: AWS_ENDPOINT_URL, AWS_PROFILE, proxies, PYTHONPATH or ministack's own switches in
    the user's environment would change what a function sees.
    """
    inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return inherited | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{tmp_dir}/no-docker.sock",  # at start it sweeps containers of any ministack it finds
        "LAMBDA_ACCOUNT_CONCURRENCY": str(LAMBDA_CONCURRENCY),
        "LAMBDA_WARM_TTL_SECONDS": str(LAMBDA_WORKER_TTL_S),
        "HOME": tmp_dir,
        "TMPDIR": tmp_dir,
        "STATE_DIR": f"{tmp_dir}/state",
        "S3_DATA_DIR": f"{tmp_dir}/s3",  # both are /tmp/ministack-... by default, whatever TMPDIR says
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": EMBEDDED_REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",  # a system-wide proxy of macOS is not in the environment
        "TZ": "UTC",  # as in Lambda
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # glibc keeps a heap for each of sixty threads otherwise, of which most is holes
    }


def _command(port: int) -> list[str]:
    """Serve ministack's ASGI app, patched (`server`), with uvicorn and its C parser: ministack's own server spends a
    third of its time on parsing HTTP in Python, and a laptop has two cores for a whole cloud.
    """
    server = [sys.executable, "-P", "-m", "uvicorn", "headway.cloud.server:app", "--http", "httptools"]
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return [*server, *where, "--timeout-keep-alive", "75", "--no-access-log", "--log-level", "warning"]


def _spawn(port: int, tmp_dir: str, log_path: Path, extra_environment: Mapping[str, str]) -> CloudState:
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            _command(port),
            cwd=tmp_dir,
            env={**_environment(port, tmp_dir), **extra_environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )
    state = CloudState(
        pid=process.pid,
        created_epoch_s=psutil.Process(process.pid).create_time(),
        port=port,
        endpoint_url=f"http://127.0.0.1:{port}",
        started_epoch_s=int(time.time()),
        tmp_dir=tmp_dir,
        lenient=extra_environment.get(LENIENT_VARIABLE, ""),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # to outlive its handle is what the process is for
        del process
    return state


def _wait_until_healthy(state: CloudState, log_path: Path) -> None:
    """Return when the process answers its health URL; raise StartFailed when it dies or START_TIMEOUT_S have passed."""
    with httpx.Client(trust_env=False, timeout=2) as client:

        def answers() -> bool:
            if _leader(state) is None:
                raise StartFailed(f"the embedded cloud died at start, {log_path} ends with:\n{_log_tail(log_path)}")
            try:
                return client.get(f"{state.endpoint_url}/_ministack/health").is_success
            except httpx.TransportError:
                return False

        healthy = Retrying(
            retry=retry_if_result(lambda healthy: not healthy),
            wait=wait_fixed(_POLL_S),
            stop=stop_after_delay(START_TIMEOUT_S),
            retry_error_callback=lambda _: False,
        )(answers)
    if not healthy:
        raise StartFailed(
            f"{state.endpoint_url} (pid {state.pid}) does not answer after {START_TIMEOUT_S:g} s, "
            f"{log_path} ends with:\n{_log_tail(log_path)}"
        )


def _log_tail(log_path: Path) -> str:
    return "\n".join(log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])


def _leader(state: CloudState) -> psutil.Process | None:
    """Return the ministack process if it is alive; a stranger who got its pid is None."""
    try:
        process = psutil.Process(state.pid)
        if abs(process.create_time() - state.created_epoch_s) > _CREATE_TIME_TOLERANCE_S:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def _is_gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=0)  # reaps it when it is a child of this very process
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


def _wait_until_gone(processes: Sequence[psutil.Process]) -> None:
    Retrying(
        retry=retry_if_result(lambda gone: not gone),
        wait=wait_fixed(_POLL_S),
        stop=stop_after_delay(STOP_GRACE_S),
        retry_error_callback=lambda _: None,
    )(lambda: all(_is_gone(process) for process in processes))

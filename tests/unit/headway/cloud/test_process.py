"""Which process is ours, which port is free, and what a state file says: without starting anything."""

import dataclasses
import os
import socket
import sys
from pathlib import Path

import psutil
import pytest

from headway.cloud import process
from headway.cloud.state import STATE_FILE, CloudState, write_state
from headway.errors import PortInUse, StartFailed


@pytest.fixture
def state(tmp_path: Path) -> CloudState:
    """Describe this very process, so that a wrong kill would not go unnoticed."""
    (tmp_path / "cloud-tmp").mkdir()
    state = CloudState(
        pid=os.getpid(),
        created_epoch_s=psutil.Process().create_time(),
        port=4566,
        endpoint_url="http://127.0.0.1:4566",
        started_epoch_s=1_800_000_000,
        tmp_dir=str(tmp_path / "cloud-tmp"),
    )
    write_state(tmp_path / STATE_FILE, state)
    return state


def test_a_written_state_is_read_back_and_leaves_no_partial_file(tmp_path: Path, state: CloudState) -> None:
    assert process.status(tmp_path) == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cloud-tmp", "cloud.json"]


def test_a_process_that_got_the_pid_later_is_neither_reported_nor_killed(tmp_path: Path, state: CloudState) -> None:
    recycled = dataclasses.replace(state, created_epoch_s=state.created_epoch_s - 60)
    write_state(tmp_path / STATE_FILE, recycled)
    assert process.status(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_without_a_state_file_there_is_nothing_to_stop(tmp_path: Path) -> None:
    assert process.status(tmp_path / "absent") is None
    assert process.stop(tmp_path / "absent") is False


def test_a_given_port_in_use_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            process.start(tmp_path, port)
    assert str(refused.value) == (f"127.0.0.1:{port} is in use: choose another with --port or stop what listens there")
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_command", lambda port: [sys.executable, "-P", "-c", "int('none')"])
    with pytest.raises(StartFailed, match="invalid literal for int"):
        process.start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.log"]


def test_nothing_of_the_users_environment_but_the_system_paths_reaches_a_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTPS_PROXY", "PYTHONPATH", "SFN_WAIT_SCALE", "PERSIST_STATE"):
        monkeypatch.setenv(name, "0")
    environment = process._environment(4566, "/state/cloud-1")
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert not environment.keys() & {
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "HTTPS_PROXY",
        "PYTHONPATH",
        "SFN_WAIT_SCALE",
        "PERSIST_STATE",
    }

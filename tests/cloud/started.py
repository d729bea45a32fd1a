"""A cloud of its own for tests that need other switches than the two of `clouds`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.cloud import process
from headway.deployment.target import LocalTarget
from tests.cloud.roles import make_any_role


@contextmanager
def started(folder: Path, **switches: str) -> Iterator[LocalTarget]:
    """Start a cloud that knows the role that may do anything; HEADWAY_LENIENT counts unless a switch is given."""
    try:
        cloud = process.start(folder, extra_environment=switches)
        target = LocalTarget(cloud.endpoint_url)
        make_any_role(target)
        yield target
    finally:
        process.stop(folder)

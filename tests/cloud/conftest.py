"""Two embedded clouds side by side: one that refuses what AWS refuses, and one with every refusal left out.

HEADWAY_LENIENT holds for the strict one too, so that a test of our own code on it can be seen to need a refusal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headway.cloud import process
from headway.cloud.strictness import ALL, LENIENT_VARIABLE
from headway.deployment.target import LocalTarget, Target


@dataclass(frozen=True, slots=True)
class Clouds:
    """The ways to both."""

    strict: Target
    lenient: Target


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Start both, once per worker of the suite: a test that shows a refusal shows that the other one lacks it."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("strict", "lenient")}
    switches = {"strict": {}, "lenient": {LENIENT_VARIABLE: ALL}}
    try:
        targets = {
            name: LocalTarget(process.start(folder, extra_environment=switches[name]).endpoint_url)
            for name, folder in folders.items()
        }
        yield Clouds(**targets)
    finally:
        for folder in folders.values():
            process.stop(folder)

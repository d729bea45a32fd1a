"""Two embedded clouds side by side: one that refuses what AWS refuses, and one with every refusal left out."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headway.cloud import process
from headway.cloud.strictness import ALL, LENIENT_VARIABLE
from headway.deployment.target import LocalTarget, Target
from tests.cloud.roles import make_any_role


@dataclass(frozen=True, slots=True)
class Clouds:
    """The ways to both."""

    strict: Target
    lenient: Target


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Start both, once per worker of the suite: a test that shows a refusal shows that the other one lacks it."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("strict", "lenient")}
    switches = {"strict": {LENIENT_VARIABLE: ""}, "lenient": {LENIENT_VARIABLE: ALL}}
    try:
        targets = {
            name: LocalTarget(process.start(folder, extra_environment=switches[name]).endpoint_url)
            for name, folder in folders.items()
        }
        for target in targets.values():
            make_any_role(target)
        yield Clouds(**targets)
    finally:
        for folder in folders.values():
            process.stop(folder)

"""Two embedded clouds side by side: one that refuses what AWS refuses, and one with every refusal left out.

HEADWAY_LENIENT holds for the strict one too, so that a test of our own code on it can be seen to need a refusal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headway.cloud.strictness import ALL, LENIENT_VARIABLE
from headway.deployment.target import Target
from tests.cloud.started import started


@dataclass(frozen=True, slots=True)
class Clouds:
    """The ways to both."""

    strict: Target
    lenient: Target


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Start both, once per worker of the suite: a test that shows a refusal shows that the other one lacks it."""
    with (
        started(tmp_path_factory.mktemp("strict")) as strict,
        started(tmp_path_factory.mktemp("lenient"), **{LENIENT_VARIABLE: ALL}) as lenient,
    ):
        yield Clouds(strict, lenient)

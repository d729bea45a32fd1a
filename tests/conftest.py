"""What several kinds of tests share: the cloud assembly of the repository's own configuration."""

from pathlib import Path

import pytest

from headway.deployment.places import ASSEMBLY
from headway.deployment.synthesis import synthesize
from headway.testing.laboratory import EXAMPLE


@pytest.fixture(scope="session")
def assembly() -> Path:
    """Return the assembly's folder; synthesized only where a source has changed since the last time."""
    return synthesize(ASSEMBLY, EXAMPLE)

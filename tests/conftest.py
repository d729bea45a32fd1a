"""What several kinds of tests share: the cloud assembly of the repository's own configuration."""

from pathlib import Path

import pytest
from headway_cdk.project import bare
from headway_cdk.resources import CONFIGURATION

from headway.deployment.places import ASSEMBLY
from headway.deployment.synthesis import synthesize


@pytest.fixture(scope="session")
def assembly() -> Path:
    """Return the assembly's folder; synthesized only where a source has changed since the last time."""
    return synthesize(ASSEMBLY, bare(CONFIGURATION))

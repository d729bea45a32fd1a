from collections.abc import Iterator

import pytest

from tests.e2e.laboratory import Laboratory, laboratory


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("headway")) as built:
        yield built

from collections.abc import Iterator

import pytest

from headway.testing.laboratory import Laboratory, laboratory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--other-presets", action="store_true", help="run the presets end to end that the suite leaves out"
    )


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("headway")) as built:
        yield built
        assert not built.denials(), "a function may have swallowed it: its role lacks this"

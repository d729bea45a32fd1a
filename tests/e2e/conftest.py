from collections.abc import Iterator

import pytest

from headway.cloud import process
from headway.testing.laboratory import Laboratory, laboratory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--other-presets", action="store_true", help="run the presets end to end that the suite leaves out"
    )


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("headway")
    process.start(folder, extra_environment={"HEADWAY_METRIC_MINUTE_S": "1"})  # nobody here waits a minute for an alarm
    with laboratory(folder) as built:
        yield built
        assert not built.denials(), "a function may have swallowed it: its role lacks this"

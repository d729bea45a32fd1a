"""The pytest plugin of the package: the fixture `workflow_test`, on each interpreter that is there.

What it takes is imported where a test asks for it: pytest's start is not slower.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headway.testing.kit.workflow_test import Interpreting, WorkflowTest

FIXTURE: Final = "workflow_test"
MARK: Final = "interpreters"
INTERPRETERS: Final = ("embedded", "moto")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one say which interpreters tests of workflows run on."""
    group = parser.getgroup("headway")
    group.addoption(
        "--interpreters",
        metavar="NAMES",
        help=f"interpreters that tests with {FIXTURE} run on, with commas between them: {', '.join(INTERPRETERS)}",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{MARK}(*names, reason): run a test with {FIXTURE} on these of {', '.join(INTERPRETERS)} only"
    )
    wanted = config.getoption("--interpreters")
    if wanted and (unknown := [name for name in wanted.split(",") if name not in INTERPRETERS]):
        raise pytest.UsageError(f"--interpreters: there is no {', '.join(unknown)}; there is {', '.join(INTERPRETERS)}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses the fixture once for each interpreter."""
    if FIXTURE not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker(MARK)
    if mark and not mark.kwargs.get("reason"):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: `{MARK}` needs a `reason`")
    chosen = metafunc.config.getoption("--interpreters")
    names = [name for name in INTERPRETERS if not chosen or name in chosen.split(",")]
    metafunc.parametrize(FIXTURE, [name for name in names if not mark or name in mark.args], indirect=True)


@pytest.fixture
def workflow_test(request: pytest.FixtureRequest) -> Iterator[Callable[..., WorkflowTest]]:
    """Make a test of a machine: `workflow_test("order")` is `workflows/order.asl.json` of the project around it."""
    from headway.testing.kit.workflow_test import workflow_tests

    with workflow_tests(_interpreting(request.param), request.path.parent) as make:
        yield make


def _interpreting(name: str) -> Interpreting:
    if name == "embedded":
        from headway.testing.kit.embedded import embedded

        return embedded
    missing = [package for package in ("moto", "antlr4", "jsonata") if find_spec(package) is None]
    if missing:
        pytest.skip(f"the second interpreter is not installed ({', '.join(missing)}): pip install 'headway[test]'")
    from headway.testing.kit.moto_interpreter import moto

    return moto

"""The pytest plugin of the package: the fixture `workflow_test`, on each interpreter that is there.

What it takes is imported where a test asks for it: pytest's start is not slower.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headway.testing.kit.run import WorkflowRun
    from headway.testing.kit.workflow_test import Interpreting, WorkflowTest

FIXTURE: Final = "workflow_test"
MARK: Final = "interpreters"
INTERPRETERS: Final = ("embedded", "moto")
AWS_ENGINES: Final = ("teststate", "local")
"""AWS's own: the TestState API, which needs an account, and Step Functions Local, which needs docker."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one say which interpreters tests of workflows run on."""
    group = parser.getgroup("headway")
    group.addoption(
        "--interpreters",
        metavar="NAMES",
        help=f"interpreters that tests with {FIXTURE} run on, with commas between them: {', '.join(INTERPRETERS)}",
    )

    group.addoption(
        "--aws-engines",
        metavar="NAMES",
        default="",
        help=f"AWS's engines that tests with `mocked_workflow` may use, with commas: {', '.join(AWS_ENGINES)}",
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


@pytest.fixture(params=AWS_ENGINES)
def mocked_workflow(request: pytest.FixtureRequest) -> Callable[..., WorkflowRun]:
    """Run a machine on an engine of AWS's: `mocked_workflow("order", {"payload": {}}, {"AskVendor": [Mock({...})]})`.

    Skipped where nobody asked for it by `--aws-engines`, and where it cannot be.
    """
    engine: str = request.param
    if engine not in request.config.getoption("--aws-engines").split(","):
        pytest.skip(f"not asked for: pytest --aws-engines {engine}")
    from headway.testing.kit import mocked
    from headway.testing.kit.workflow_test import bound

    reason = mocked.reason_against_local() if engine == "local" else mocked.reason_against_test_state()
    if reason:
        pytest.skip(reason)

    def run(workflow: Any, given: Any, mocks: Any, **placeholders: Any) -> WorkflowRun:
        machine = bound(workflow, None, placeholders, request.path.parent)
        if engine == "local":
            return mocked.run_locally(machine.name, machine.definition, given, mocks)
        return mocked.walk(mocked.client(), machine.definition, given, mocks)

    return run


def _interpreting(name: str) -> Interpreting:
    if name == "embedded":
        from headway.testing.kit.embedded import embedded

        return embedded
    missing = [package for package in ("moto", "antlr4", "jsonata") if find_spec(package) is None]
    if missing:
        pytest.skip(f"the second interpreter is not installed ({', '.join(missing)}): pip install 'headway[test]'")
    from headway.testing.kit.moto_interpreter import moto

    return moto

"""The Lambda code as a whole: it imports anywhere, and it knows nothing of what deploys or drives it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from headway_cdk.resources import LANE
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting

from tests.checkout import ROOT

FILES = sorted(LANE.rglob("*.py"))
MODULES = [".".join(path.relative_to(LANE.parent).with_suffix("").parts).removesuffix(".__init__") for path in FILES]

IMPORT_ALL = """
import importlib, sys
def no_network(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise RuntimeError(event)
sys.addaudithook(no_network)
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name)
print(sorted(name for name in sys.modules if name.split(".")[0] in ("headway_cdk", "headway", "aws_cdk")))
"""


def imported(path: Path) -> set[str]:
    """Return the modules that a file names in its imports, wherever in the file they stand."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} line {node.lineno}: relative import"
            names.add(str(node.module))
    return names


def test_every_module_imports_without_environment_and_without_network() -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", IMPORT_ALL, *MODULES],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [*MODULES, "[]"]


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_no_module_imports_what_deploys_or_drives_it(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] in ("headway_cdk", "headway", "aws_cdk", "tests")}


def test_a_call_can_be_settled_without_an_http_client() -> None:
    code = "import sys, headway_lane.settling.handler; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={}, check=False).returncode == 0  # noqa: S603


def test_the_caller_starts_without_what_only_batches_need() -> None:
    """Powertools' classes of events are dozens of modules, which a cold start would wait for."""
    heavy = ("aws_lambda_powertools.utilities.data_classes", "aws_lambda_powertools.utilities.batch")
    code = f"import sys, headway_lane.caller.handler; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env={}, check=True, capture_output=True, text=True)  # noqa: S603
    assert done.stdout == "[]\n"


def test_only_known_packages_are_imported() -> None:
    bundled = {
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "defusedxml",
        "ecdsa",
        "headway_lane",
        "httpcore",
        "httpx",
        "tenacity",
    }
    roots = {name.split(".")[0] for path in FILES for name in imported(path)}
    only_for_types = {root for root in roots if root.startswith("types_boto3")}
    assert roots - set(sys.stdlib_module_names) - only_for_types == bundled


def test_aws_clients_are_made_in_one_place_and_signatures_in_another() -> None:
    assert [path.name for path in FILES if "boto3" in imported(path)] == ["aws.py", "proxy.py"]


def test_a_variable_that_the_stack_did_not_bind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(Environment.CALLS_TABLE, raising=False)
    with pytest.raises(RuntimeError, match="HEADWAY_CALLS_TABLE is not set: the stack has to bind it"):
        setting(Environment.CALLS_TABLE)
    monkeypatch.setenv(Environment.CALLS_TABLE, "Calls")
    assert setting(Environment.CALLS_TABLE) == "Calls"

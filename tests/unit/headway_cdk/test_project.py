"""Finding a project, and reading what it says of itself."""

from pathlib import Path

import pytest
from headway_cdk.configuration import ConfigurationError
from headway_cdk.placeholders import ResourceKind
from headway_cdk.project import Durable, TableKeys, find
from headway_cdk.resources import SCAFFOLD

WHOLE = """
[project]
name = "bakery"
[tool.headway]
stage = "prod"
[tool.headway.settings]
Greeting = "hello"
Limit = 20
Share = 0.5
Fast = true
[tool.headway.tables]
orders = { partition_key = "order_id", sort_key = "line" }
stock = { partition_key = "article" }
[tool.headway.resources]
order_management = "queue"
news = "event bus"
"""


def project_in(folder: Path, text: str = WHOLE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        find(folder)
    return str(refused.value)


def test_a_project_is_found_from_any_folder_inside(tmp_path: Path) -> None:
    root = project_in(tmp_path / "bakery")
    inside = root / "functions" / "use_result"
    inside.mkdir(parents=True)
    assert find(inside) == find(root)
    assert find(inside).root == root


def test_a_relative_folder_is_one_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project_in(tmp_path / "bakery")
    (root / "tests").mkdir()
    monkeypatch.chdir(root / "tests")
    assert find(Path()).root == root


def test_the_nearest_project_counts_and_a_pyproject_of_somebody_elses_does_not(tmp_path: Path) -> None:
    outer = project_in(tmp_path / "outer")
    inner = project_in(outer / "inner", "[tool.headway]\n")
    other = project_in(outer / "library", "[tool.ruff]\nline-length = 100\n")
    assert find(inner).root == inner
    assert find(other).root == outer


def test_a_project_says_what_it_is(tmp_path: Path) -> None:
    found = find(project_in(tmp_path / "folder"))
    assert (found.name, found.stage) == ("bakery", "prod")
    assert found.settings == {"Greeting": "hello", "Limit": 20, "Share": 0.5, "Fast": True}
    assert found.tables == {"orders": TableKeys("order_id", "line"), "stock": TableKeys("article")}
    assert found.resources == {"order_management": ResourceKind.QUEUE, "news": ResourceKind.BUS}


def test_a_project_that_says_nothing_is_called_like_its_folder_and_goes_to_dev(tmp_path: Path) -> None:
    found = find(project_in(tmp_path / "bakery", "[tool.headway]\n"))
    assert (found.name, found.stage, found.settings, found.tables) == ("bakery", "dev", {}, {})


def test_the_folders_of_a_project_have_their_fixed_places(tmp_path: Path) -> None:
    root = project_in(tmp_path / "bakery")
    found = find(root)
    assert found.configuration == root / "config" / "appconfig"
    assert (found.workflows, found.functions) == (root / "workflows", root / "functions")
    assert (found.state_dir, found.app) == (root / ".headway", root / "cdk" / "app.py")


def test_machines_and_functions_are_those_that_lie_there(tmp_path: Path) -> None:
    root = project_in(tmp_path / "bakery")
    for name in ("workflows/order.asl.json", "workflows/refund.asl.json", "workflows/samples/x.jsonl"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    for name in ("functions/use_result/handler.py", "functions/notes/readme.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    found = find(root)
    assert [found.machine_name(file) for file in found.workflow_files] == [
        "headway-prod-workflows-order",
        "headway-prod-workflows-refund",
    ]
    assert [folder.name for folder in found.function_folders] == ["use_result"]


@pytest.mark.parametrize(
    ("name", "of"),
    [("workflows/My Order.asl.json", "workflow_files"), ("functions/Use/handler.py", "function_folders")],
)
def test_a_file_whose_name_names_no_machine_or_function_is_refused(tmp_path: Path, name: str, of: str) -> None:
    root = project_in(tmp_path / "bakery")
    (root / name).parent.mkdir(parents=True)
    (root / name).write_text("{}")
    with pytest.raises(ConfigurationError, match="its name has to match"):
        getattr(find(root), of)


def test_where_there_is_no_project_the_line_says_how_to_get_one(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (f"{tmp_path}: no project here or above: run `headway init NAME`, or go into a project")


@pytest.mark.parametrize(
    ("table", "field", "words"),
    [
        ('stage = "Prod"', "tool.headway.stage", "does not match"),
        ('stage = "a-stage"', "tool.headway.stage", "does not match"),
        ('stag = "dev"', "tool.headway", "'stag' was unexpected"),
        ('settings = { greeting = "x" }', "tool.headway.settings", "'greeting'"),
        (
            "settings = { Greeting = [1] }",
            "tool.headway.settings.Greeting",
            "a text without `${`, a number or a boolean",
        ),
        ('settings = { Greeting = "${X}" }', "tool.headway.settings.Greeting", "a text without `${`"),
        ("settings = { When = 2026-01-01 }", "tool.headway.settings.When", "a text without `${`"),
        ('tables = { orders = "order_id" }', "tool.headway.tables.orders", "is not of type 'object'"),
        ('buckets = ["Files"]', "tool.headway.buckets.0", "'Files'"),
        ('buckets = ["files", "files"]', "tool.headway.buckets", "non-unique"),
        ("tables = { orders = {} }", "tool.headway.tables.orders", "'partition_key' is a required property"),
        ('tables = { Orders = { partition_key = "x" } }', "tool.headway.tables", "'Orders'"),
        ('resources = { orders = "fifo" }', "tool.headway.resources.orders", "one of ['queue', 'bucket', 'event bus']"),
        ('resources = { Orders = "queue" }', "tool.headway.resources", "'Orders'"),
    ],
)
def test_a_wrong_field_is_one_line_with_the_file_and_the_field(
    tmp_path: Path, table: str, field: str, words: str
) -> None:
    said = refusal(project_in(tmp_path, f"[tool.headway]\n{table}\n"))
    assert said.startswith(f"{tmp_path / 'pyproject.toml'}: `{field}`: ")
    assert words in said
    assert "\n" not in said


def test_a_file_that_is_no_toml_is_refused_by_its_name(tmp_path: Path) -> None:
    said = refusal(project_in(tmp_path, "[tool.headway\n"))
    assert said.startswith(f"{tmp_path / 'pyproject.toml'}: not TOML: ")


def test_the_example_is_a_project() -> None:
    found = find(SCAFFOLD)
    assert [file.name for file in found.workflow_files] == ["order.asl.json"]
    assert [folder.name for folder in found.function_folders] == ["use_result"]


DURABLE = """
[tool.headway.durable_functions]
order = { vendors = ["acme"], execution_timeout_s = 3600 }
"""


def test_a_durable_function_says_whom_it_calls_and_how_long_it_may_take(tmp_path: Path) -> None:
    root = project_in(tmp_path / "bakery", WHOLE + DURABLE)
    (root / "functions" / "order").mkdir(parents=True)
    (root / "functions" / "order" / "handler.py").touch()
    assert find(root).durable_functions == {"order": Durable(["acme"], 3600)}


def test_a_durable_function_without_code_is_refused(tmp_path: Path) -> None:
    root = project_in(tmp_path / "bakery", WHOLE + DURABLE)
    assert refusal(root).endswith("there is no functions/order/handler.py; write it, or rename")


@pytest.mark.parametrize(
    "said",
    [
        '{ vendors = ["acme"] }',
        "{ vendors = [], execution_timeout_s = 60 }",
        '{ vendors = ["acme"], execution_timeout_s = 0 }',
        '{ vendors = ["acme"], execution_timeout_s = 31622401 }',
    ],
)
def test_a_durable_function_that_aws_would_not_take_is_refused_by_its_name(tmp_path: Path, said: str) -> None:
    root = project_in(tmp_path / "bakery", f"[tool.headway.durable_functions]\norder = {said}\n")
    assert "tool.headway.durable_functions.order" in refusal(root)

"""What `docs/author.md` tells authors to type works, and what it says of placeholders is so."""

import re
from pathlib import Path

import yaml
from headway_cdk.project import find
from headway_cdk.workflow_sketch import placeholders_of, sketch

from headway.deployment import scaffold
from tests.checkout import ROOT
from tests.project_suite import run_suite
from tests.unit.docs.author import project_with_review


def test_the_second_machine_may_do_what_it_does_and_its_test_passes_in_the_project(tmp_path: Path) -> None:
    root = project_with_review(tmp_path)
    assert sketch(find(root), "review").waits_for == {"replicate"}
    done = run_suite(root, "tests/test_review.py")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_table_of_placeholders_names_all_that_there_are(tmp_path: Path) -> None:
    scaffold.write("bakery", tmp_path)
    root = tmp_path / "bakery"
    vendors = root / "config" / "appconfig" / "vendors"
    contract = yaml.safe_load((vendors / "replicate.yaml").read_text())
    (vendors / "replicate.yaml").unlink()
    (vendors / "assembly-ai.yaml").write_text(yaml.safe_dump({**contract, "vendor": "assembly-ai"}))
    more = "Greeting = 'hello'\n[tool.headway.tables]\norders = { partition_key = 'order_id' }\n"
    more += "[tool.headway.resources]\norders = 'queue'\npictures = 'bucket'\nnews = 'event bus'\n"
    (root / "pyproject.toml").write_text(f"[tool.headway]\nbuckets = ['files']\n[tool.headway.settings]\n{more}")
    section = (ROOT / "docs" / "author.md").read_text().partition("### Placeholders")[2].partition("\n###")[0]
    table = "".join(line for line in section.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`\$\{(\w+)\}`", table)) == set(placeholders_of(find(root)).bound)

"""What the proof of the wheel takes from a README and from a lock."""

from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.proofs.locked import part_of_lock
from tests.proofs.wheel_project import FOREGROUND, typed, words

LOCK = """click==8.3.0 \\
    --hash=sha256:01
    # via typer
tenacity==9.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:02
tenacity==9.2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:03
"""


def test_the_commands_of_a_readme_are_typed_block_by_block_without_set_up_and_account() -> None:
    readme = (
        "# x\n## Set-up\n```sh\npip install x\n```\n## On a laptop\n```sh\n# first\nup # all\n\ndown\n```\n"
        "```json\n{}\n```\n## On AWS\n```sh\ncdk deploy\n```\n## Checks\n```sh\npytest\n```\n"
    )
    assert list(typed(readme)) == [["up # all", "down"], ["pytest"]]
    assert words("up # all") == "up"


def test_the_readme_of_a_new_project_says_all_that_has_to_be_shown() -> None:
    lines = [words(line) for block in typed((ROOT / "examples/shop/README.md").read_text()) for line in block]
    shown = {"headway up", FOREGROUND, "headway status", "headway diff", "headway down", "headway validate"}
    assert {*shown, "pytest", "headway synth", "headway new vendor acme", "headway new workflow acme_order"} <= set(
        lines
    )
    assert {line.split()[2] for line in lines if line.startswith("headway run ")} == {"order", "acme_order"}


def test_a_part_of_a_lock_has_the_hashes_of_what_is_needed_for_every_python(tmp_path: Path) -> None:
    (lock := tmp_path / "dev.lock").write_text(LOCK)
    part = part_of_lock(lock, ["tenacity>=9; python_version >= '3'", "click; python_version < '3'"])
    assert part == LOCK.partition("# via typer\n")[2]


def test_what_a_lock_has_not_is_named(tmp_path: Path) -> None:
    (lock := tmp_path / "dev.lock").write_text("")
    with pytest.raises(ValueError, match="has not tenacity: run `make lock`"):
        part_of_lock(lock, ["tenacity"])

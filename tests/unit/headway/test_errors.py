"""Problems: one tree below one base, each drawn, and said in one line with its exit code."""

import re
import sys

import pytest

from headway import cli, errors
from headway.errors import CloudLost, Problem


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = set(re.findall(r"^(?:[│ ]*[├└]── )?(\w+)(?=  |$)", str(errors.__doc__), flags=re.MULTILINE))
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name in drawn if name[0].isupper()} == defined
    assert all(issubclass(getattr(errors, name), Problem) for name in defined)


def test_a_problem_that_nobody_has_caught_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose() -> None:
        raise CloudLost("the cloud has gone")

    monkeypatch.setattr(cli, "app", lose)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == CloudLost.exit_code == 2
    assert capsys.readouterr() == ("", "headway: the cloud has gone\n")


def test_the_bottom_imports_nothing_of_the_project() -> None:
    import subprocess

    script = "import headway.errors, sys; print([name for name in sys.modules if name.startswith('headway')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "['headway', 'headway.errors']\n"

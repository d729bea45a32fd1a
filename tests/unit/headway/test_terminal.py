"""What comes from outside is text at the terminal: no markup, and nothing that the terminal obeys."""

import ast
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

import headway
from headway import cli, terminal
from headway.commands import calls, dlq
from headway.errors import UsageProblem
from headway.operations.orphans import Orphan

SOURCES = sorted(Path(headway.__file__).parent.rglob("*.py"))
OBEYED = {
    "a colour": "\x1b[31mred",
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;https://evil.example\x1b\\here",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a sequence of one byte": "\x9b31m",
    "a carriage return": "job-1\rjob-2",
    "backspaces": "job-1\b\b\bx",
    "the end of a text": "a\x00b",
    "a bell": "\x07",
    "delete": "\x7f",
    "another direction": "\u202efdp.exe",
    "an isolated direction": "\u2066x\u2069",
    "a line separator": "a\u2028b",
    "half a surrogate pair": "\ud800",
}
MARKUP = {
    "a style": "[bold red]x[/]",
    "an end without a beginning": "[/red]",
    "an end of anything": "[/]",
    "a link": "[link=https://evil.example]here[/link]",
    "an emoji": ":smile:",
    "an action": "[@click=app.quit]x[/]",
}


class Stream(io.StringIO):
    """A terminal, whose encoding has no halves of surrogate pairs."""

    def write(self, text: str) -> int:
        text.encode()
        return super().write(text)

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return what our consoles have written, without the sequences of rich's own."""
    stream = Stream()
    made = Console.__init__

    def init(console: Console, **options: object) -> None:
        made(console, file=stream, width=400, no_color=True, force_terminal=False, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Console, "__init__", init)
    return stream.getvalue


def obeyed(text: str) -> list[str]:
    return [sign for sign in text if terminal.plain(sign) != sign]


@pytest.mark.parametrize("text", OBEYED.values(), ids=OBEYED)
def test_what_a_terminal_would_obey_is_written_as_an_escape(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(f"job {text}")
    terminal.say(f"job {text}", err=True)
    written = capsys.readouterr()
    for said in (terminal.plain(text), written.out, written.err):
        assert not obeyed(said)
        assert "\\x" in said or "\\u" in said or "\\r" in said


@pytest.mark.parametrize("text", ["Grüße \U0001f600", "a\tb\nc", "\u6e2c", "[x]", "\\x1b"])
def test_what_is_text_stays_as_it_is(text: str) -> None:
    assert terminal.plain(text) == text


@pytest.mark.parametrize("text", [*OBEYED.values(), *MARKUP.values()], ids=[*OBEYED, *MARKUP])
def test_a_console_shows_it_as_text_wherever_it_stands(text: str, shown: Callable[[], str]) -> None:
    out = terminal.console()
    table = Table(text, title=text)
    table.add_row(text)
    table.add_row(Text(text, style="red"))
    out.print(table)
    out.print(text, style="red", soft_wrap=True)
    assert not obeyed(shown())
    assert shown().count(text) == (5 if text in MARKUP.values() else 0), "rich itself drops some of what is obeyed"


@pytest.mark.parametrize("text", [*OBEYED.values(), *MARKUP.values()], ids=[*OBEYED, *MARKUP])
def test_a_spinner_takes_its_phrase_as_text(text: str, shown: Callable[[], str]) -> None:
    with terminal.spinning(terminal.console(stderr=True), text) as say:
        say(text)
    assert not obeyed(shown())


@pytest.mark.parametrize("text", [*OBEYED.values(), *MARKUP.values()], ids=[*OBEYED, *MARKUP])
def test_job_ids_and_reasons_of_dead_letters_and_orphans_are_text(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = [SimpleNamespace(vendor=text, kind=text, error=text, call_id=text, cause=text, since_epoch_s=0.0)]
    monkeypatch.setattr("headway.deployment.connection.connect", lambda *_, **__: None)
    monkeypatch.setattr("headway.operations.dead_letters.dead_letters", lambda *_: found)
    monkeypatch.setattr("headway.operations.orphans.orphans", lambda *_: [Orphan("acme", text, text, 0)])
    dlq.list_(state_dir=tmp_path)
    calls.orphans(state_dir=tmp_path)
    shown = capsys.readouterr().out
    assert not obeyed(shown)
    assert shown.count(text) == (7 if text in MARKUP.values() else 0)


@pytest.mark.parametrize("text", [*OBEYED.values(), *MARKUP.values()], ids=[*OBEYED, *MARKUP])
def test_a_problem_is_said_as_text(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise UsageProblem(text)

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == f"headway: {terminal.plain(text)}\n"


def _calls(source: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]


def test_nothing_prints_by_another_way() -> None:
    """`typer.echo` may print JSON, which escapes what it has to; rich's console and markup are made in one place."""
    own = Path(terminal.__file__)
    inside_the_cloud = Path(headway.__file__).parent / "cloud"
    found = []
    for source in SOURCES:
        if source == own or inside_the_cloud in source.parents:
            continue
        for call in _calls(source):
            said = ast.unparse(call.func)
            is_json = bool(call.args) and ast.unparse(call.args[0]).startswith("json.dumps(")
            if (said == "typer.echo" and not is_json) or said in ("print", "Console", "Text.from_markup"):
                found.append(f"{source.name}:{call.lineno}: {said}")
            if any(word.arg in ("markup", "emoji", "ensure_ascii") and said != "json.dumps" for word in call.keywords):
                found.append(f"{source.name}:{call.lineno}: {said} with markup")
    assert found == []

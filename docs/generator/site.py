"""What MkDocs builds beside the documents (`make site`): the first page, the commands, the fields of a contract.

A link out of docs/ leads into the repository, which a site does not hold: there it is a word without a link. Whether it
leads somewhere is what the tests of the documents look at.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer
from headway_cdk.configuration import schema

from docs.generator.values import ROOT
from headway.cli import app

_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
DOCS: Final = ROOT / "docs"
FIRST: Final = "index.md"
"""The page that is the repository's README."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are no files (a hook of MkDocs)."""
    from mkdocs.structure.files import File

    readme = _LINK.sub(lambda found: within(found, ROOT), (ROOT / "README.md").read_text()).replace("](docs/", "](")
    for name, text in {FIRST: readme, "commands.md": commands(), "contract_fields.md": contract_fields()}.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Take the links out that lead into the repository (a hook of MkDocs)."""
    if page.file.src_uri == FIRST:
        return markdown  # a README knows where it lies; its links were looked at when it was taken
    here = (DOCS / page.file.src_uri).parent
    return _LINK.sub(lambda found: within(found, here), markdown)


def within(found: re.Match[str], here: Path) -> str:
    """Return a link of a page in a folder as the site can have it."""
    words, target = found[2], found[3]
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    path, _, anchor = target.partition("#")
    there = (here / path).resolve()
    if there == ROOT / "README.md":
        return f"[{words}]({'../' * len(here.relative_to(DOCS).parts)}{FIRST}{'#' + anchor if anchor else ''})"
    if there.is_relative_to(DOCS) and (pages := sorted(there.glob("*.md"))):
        return f"[{words}]({path.rstrip('/')}/{pages[0].name})"
    is_page = there.is_relative_to(DOCS) and there.suffix in (".md", ".svg")
    is_generated = not there.exists() and here == DOCS and (DOCS / path).parent == DOCS
    return found[0] if is_page or is_generated else words


def commands() -> str:
    """Return a page of all commands with their help and options."""
    parts = ["# Commands\n", "Written from the command line itself: `headway COMMAND --help` says the same.\n"]
    for name, command in _commands():
        parts += [f"## headway {name}\n", f"{_prose(command.help or '')}\n"]
        rows = [_option(one) for one in command.params if not getattr(one, "hidden", False)]
        parts.append("| option | meaning | default |\n| --- | --- | --- |\n" + "".join(rows))
    return "\n".join(parts)


def _commands() -> Iterator[tuple[str, Any]]:
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        for under, each in getattr(command, "commands", {"": command}).items():
            yield f"{name} {under}".strip(), each


def _prose(text: str) -> str:
    """Return a help text with its indented examples as blocks."""
    return re.sub(r"^ {4,}", "    ", text.replace("\b", ""), flags=re.MULTILINE)


def _option(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in one.opts) if one.param_type_name == "option" else f"`{one.name.upper()}`"
    shown = "" if one.default is None or callable(one.default) or one.default is False else f"`{one.default}`"
    return f"| {names} | {_cell(getattr(one, 'help', '') or '')} | {shown} |\n"


def contract_fields() -> str:
    """Return a page of all fields of a contract file, from its schema."""
    document = schema("vendor")
    rows = "".join(
        f"| `{name}` | {kind} | {'yes' if needed else ''} | {_cell(words)} |\n"
        for name, kind, needed, words in _fields(document, "")
    )
    intro = "Written from the schema that contract files are checked by. What they are for: [vendors](vendors.md).\n"
    return f"# Contract fields\n\n{intro}\n| field | type | needed | meaning |\n| --- | --- | --- | --- |\n{rows}"


def _fields(node: Mapping[str, Any], above: str) -> Iterator[tuple[str, str, bool, str]]:
    """Yield name, type, whether it is needed beside its neighbours, and description of all fields of a schema."""
    for name, field in node.get("properties", {}).items():
        full = f"{above}{name}"
        yield full, _type(field), name in node.get("required", ()), field.get("description", "")
        yield from _fields(field, f"{full}.")
        yield from _fields(field.get("items", {}), f"{full}[].")
        for choice in (*field.get("oneOf", ()), *field.get("anyOf", ())):
            yield from _fields(choice, f"{full}.")


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "several")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")

"""`make docs`: writes what is generated, and the numbers that documents mark, anew."""

from docs.generator.pages import pages

for path, text in pages().items():
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        print(path.name)  # noqa: T201 - what changed

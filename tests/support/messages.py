"""Writes the Chinese catalogue anew from the texts in the code (``make messages``).

What is translated stays, what is new is added without a translation, what no code says any more goes.
Nothing is guessed: a text that was changed is a new text.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).parents[2]
PACKAGES = tuple(
    ROOT / folder / f"kedang_{folder}"
    for folder in ("platform", "tenants", "graphql", "workers", "migrations")
)
CATALOGUE = ROOT / "platform" / "kedang_platform" / "locale" / "zh_CN" / "LC_MESSAGES" / "kedang.po"
_HEADER = """\
# The Chinese (zh-CN) of the product. `make messages` adds and removes entries; the translations are written by hand.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"

"""


class NotLiteral(Exception):
    """A text is put together where it is marked, so that no catalogue can know it."""


def texts() -> set[str]:
    """Every text that the code says to a person. Raises NotLiteral."""
    return {
        text
        for package in PACKAGES
        for file in sorted(package.rglob("*"))
        for text in (
            marked_in(file.read_text(encoding="utf-8"), file.name)
            if file.suffix == ".py"
            else _in_template(file)
            if file.suffix == ".html" and file.parent.name == "templates"
            else ()
        )
    }


def marked_in(source: str, name: str) -> Iterator[str]:
    """The texts in the ``msg`` calls of a module. Raises NotLiteral."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "msg":
            text = node.args[0] if len(node.args) == 1 and not node.keywords else None
            if not isinstance(text, ast.Constant) or not isinstance(text.value, str) or not text.value:
                raise NotLiteral(f"{name}:{node.lineno}: {ast.unparse(node)}")
            yield text.value


def _in_template(file: Path) -> Iterator[str]:
    with file.open("rb") as source:
        for _, _, text, _ in babel_extract(source, ["say"], [], {}):
            if isinstance(text, str):
                yield text


def stored() -> Catalog:
    """The catalogue as it is checked in."""
    return read_po(BytesIO(CATALOGUE.read_bytes()), locale="zh_CN")


def translations(catalogue: Catalog) -> dict[str, str]:
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id}


def document(known: Mapping[str, str], wanted: set[str]) -> str:
    """The text of the catalogue: the wanted texts in their order, those that are known with their translation."""
    catalogue = Catalog(locale="zh_CN")
    for text in wanted:
        catalogue.add(text, known.get(text, ""))
    written = BytesIO()
    write_po(written, catalogue, width=0, no_location=True, omit_header=True, sort_output=True)
    return _HEADER + written.getvalue().decode().strip() + "\n"


def main() -> None:
    known, wanted = translations(stored()), texts()
    CATALOGUE.write_text(document(known, wanted), encoding="utf-8")
    new = sorted(text for text in wanted if not known.get(text))
    gone = sorted(set(known) - wanted)
    sys.stdout.writelines(
        f"{mark} {text}\n" for mark, changed in (("+", new), ("-", gone)) for text in changed
    )
    if new:
        sys.exit(f"{len(new)} texts have to be translated in {CATALOGUE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

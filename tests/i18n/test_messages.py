"""How texts come into the catalogue, and that none goes past it."""

import ast
import importlib
import pkgutil
import re
from itertools import chain
from string import Formatter

import pytest
from babel.messages import Catalog

from kedang_platform.errors import KedangError
from tests.support import messages

# What takes a text for a person, by the position and the names of the arguments that do.
TELLING = {
    "Option": (1,),
    "UserError": (1,),
    "InvalidValue": (1,),
    "refuse": (2,),
    "field": (),
    "relation": (),
    "Letter": (),
    "Page": (),
    "Link": (0,),
    "Field": (1,),
    "echo": (0,),
    "translate": (0,),
}
NAMED = {"label", "title", "subject", "message", "hint", "button", "action"}
# Names of things, the same in every language, addresses of forms, options of commands.
SAME_EVERYWHERE = {
    "English",
    "简体中文",
    "CSV",
    "JSONL",
    "PDF",
    "XLSX",
    "/sign-out",
    "/sign-in/code",
    "--by",
}
# The demonstration is an American company and tells its steps to whoever builds it, in English.
NOT_FOR_USERS = {"demo", "versions"}
WORDS_OF_PAGES = {
    "Kedang",
    "客档",
    "HTML",
    "required",
}  # the last is an attribute of fields that must be filled


def test_a_text_is_found_in_one_piece_or_refused():
    source = 'a = msg("One " "piece")\nb = i18n.msg("Two")\nc = other("three")\n'
    assert sorted(messages.marked_in(source, "x.py")) == ["One piece", "Two"]
    for wrong in ('msg("a" + "b")', 'msg(f"{a}")', "msg(text)", 'msg("")', 'msg("a", "b")'):
        with pytest.raises(messages.NotLiteral, match=re.escape("x.py:1")):
            list(messages.marked_in(wrong, "x.py"))


def test_a_new_text_comes_without_translation_and_an_old_one_goes():
    written = messages.document({"Old": "旧", "Kept": "留"}, {"Kept", "New"})
    assert written.endswith('msgid "Kept"\nmsgstr "留"\n\nmsgid "New"\nmsgstr ""\n')
    assert "Old" not in written
    assert messages.document({"Customer": "客户"}, {"Customers"}).endswith('msgid "Customers"\nmsgstr ""\n')


def test_what_is_written_is_read_back(tmp_path, monkeypatch):
    file = tmp_path / "kedang.po"
    monkeypatch.setattr(messages, "CATALOGUE", file)
    known = {'Say "{name}"\nand go': "说“{name}”\n然后走", "客 \\ t": "\t"}
    file.write_text(messages.document(known, set(known)), encoding="utf-8")
    stored = messages.stored()
    assert isinstance(stored, Catalog)
    assert messages.translations(stored) == known


def test_no_text_goes_to_people_unmarked():
    tellers = TELLING | dict.fromkeys(_failures(), (0,))
    found = [
        f"{file.name}:{text.lineno}: {ast.unparse(text)}"
        for package in messages.PACKAGES
        for file in sorted(package.rglob("*.py"))
        if not NOT_FOR_USERS & set(file.parts)
        for text in _unmarked(ast.parse(file.read_text(encoding="utf-8")), tellers)
    ]
    assert found == []


def test_the_search_for_unmarked_texts_finds_them():
    source = (
        'raise NotFound("There is none.")\nOption("A", f"{x} is")\nfield(kind, label="Name")\necho("Go " + x)\n'
        'NotFound(msg("There is none."))\nOption("A", "CSV")\nother("Free")\n'
    )
    tellers = TELLING | {"NotFound": (0,)}
    assert [text.lineno for text in _unmarked(ast.parse(source), tellers)] == [1, 2, 3, 4]


def test_every_placeholder_is_filled_where_a_failure_is_made():
    failures = dict.fromkeys(_failures(), 0) | {
        "InvalidValue": 1,
        "echo": 0,
        "refuse": 2,
        "_refuse_custom": 3,
    }
    found = [
        f"{file.name}:{call.lineno}: {sorted(missing)}"
        for package in messages.PACKAGES
        for file in sorted(package.rglob("*.py"))
        for call, missing in _unfilled(ast.parse(file.read_text(encoding="utf-8")), failures)
    ]
    assert found == []


def test_the_search_for_unfilled_placeholders_finds_them():
    source = 'No(msg("{a} {b}"), a=1)\nNo(msg("{a}"), path=("x",), a=1)\nNo(msg("{a}"), **more)\nNo(text)\nNo(msg("{c}"))\n'
    found = list(_unfilled(ast.parse(source), {"No": 0}))
    assert [(call.lineno, missing) for call, missing in found] == [(1, {"b"}), (5, {"c"})]


def test_pages_hold_no_words_of_their_own():
    templates = sorted((messages.PACKAGES[2] / "pages" / "templates").glob("*.html"))
    assert templates
    for file in templates:
        bare = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        bare = re.sub(r"<[^>]*>|\b[a-z-]+=\"[^\"]*\"", " ", bare)
        words = set(re.findall(r"[^\W\d_]+", bare))
        assert words <= WORDS_OF_PAGES, file.name


def _failures():
    """The names of all failures that are told to people by their first argument."""
    for package in messages.PACKAGES:
        for module in pkgutil.walk_packages([str(package)], f"{package.name}."):
            if "versions" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    pending, names = [KedangError], set()
    while pending:
        failure = pending.pop()
        pending += failure.__subclasses__()
        names.add(failure.__name__)
    return names - {"InvalidValue", "Refused"}


def _unmarked(tree, tellers):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            positions = tellers.get(ast.unparse(node.func).rpartition(".")[2])
            if positions is not None:
                told = [node.args[place] for place in positions if place < len(node.args)]
                named = [keyword.value for keyword in node.keywords if keyword.arg in NAMED]
                yield from (text for text in chain(told, named) if _is_text(text))


def _unfilled(tree, failures):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        place = failures.get(ast.unparse(node.func).rpartition(".")[2])
        if place is None or place >= len(node.args) or any(given.arg is None for given in node.keywords):
            continue
        told = set(messages.marked_in(ast.unparse(node.args[place]), "here"))
        wanted = {name for text in told for _, name, _, _ in Formatter().parse(text) if name is not None}
        missing = wanted - {given.arg for given in node.keywords}
        if missing:
            yield node, missing


def _is_text(node):
    """Whether words stand here as they are, and not placeholders alone."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        words = re.search(r"[^\W\d_]", re.sub(r"{\w+}", "", node.value))
        return words is not None and node.value not in SAME_EVERYWHERE
    return isinstance(node, ast.JoinedStr | ast.BinOp)

"""Writes docs/requirements.md: which tests prove which requirement (``make requirements``).

Tests name what they prove by ``@pytest.mark.requirement("T3", ...)`` on a function, a class or,
as ``pytestmark``, a module. The ids are those of docs/requirements.txt; an unknown one is an error.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "docs" / "requirements.txt"
DOCUMENT = ROOT / "docs" / "requirements.md"


class UnknownRequirement(Exception):
    """A test names a requirement that the catalogue does not have."""


def catalogue() -> dict[str, str]:
    """Requirement id to its short name, in the order of the catalogue."""
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def document(tests: Path = ROOT / "tests") -> str:
    """The text of docs/requirements.md. Raises UnknownRequirement."""
    names = catalogue()
    proofs: dict[str, list[str]] = {requirement: [] for requirement in names}
    for test, requirement in _proofs(tests):
        if requirement not in proofs:
            raise UnknownRequirement(f"{test} names {requirement}, which docs/requirements.txt does not have")
        proofs[requirement].append(test)
    proved = sum(1 for found in proofs.values() if found)
    parts = [
        "# Requirements and the tests that prove them\n",
        "Written by `make requirements` from the markers of the tests; never by hand.\n",
        (
            f"{proved} of {len(names)} requirements are named by a test. That a test names a requirement says"
            " that it proves a part of it, not that nothing is missing.\n"
        ),
    ]
    for requirement, found in proofs.items():
        if found:
            listed = "\n".join(f"- `{test}`" for test in sorted(set(found)))
            parts.append(f"## {requirement} {names[requirement]}\n\n{listed}\n")
    missing = "\n".join(f"- {key} {names[key]}" for key, found in proofs.items() if not found)
    parts.append(f"## Not yet named by a test\n\n{missing}\n")
    return "\n".join(parts)


@cache
def tests_of(tests: Path) -> frozenset[str]:
    """The ids of all tests, ``tests/<file>::<test>``."""
    return frozenset(test for test, _ in _all(tests))


def _proofs(tests: Path) -> Iterator[tuple[str, str]]:
    for test, requirements in _all(tests):
        yield from ((test, requirement) for requirement in requirements)


def _all(tests: Path) -> Iterator[tuple[str, list[str]]]:
    for file in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        place = file.relative_to(tests.parent).as_posix()
        yield from _of_body(tree.body, place, list(_of_module(tree)))


def _of_body(body: list[ast.stmt], place: str, inherited: list[str]) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _of_body(node.body, f"{place}::{node.name}", inherited + _of_decorators(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield f"{place}::{node.name}", inherited + _of_decorators(node)


def _of_decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [requirement for decorator in node.decorator_list for requirement in _named(decorator)]


def _of_module(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            for mark in marks:
                yield from _named(mark)


def _named(mark: ast.expr) -> list[str]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
        return [str(ast.literal_eval(argument)) for argument in mark.args]
    return []


if __name__ == "__main__":
    try:
        DOCUMENT.write_text(document(), encoding="utf-8")
    except UnknownRequirement as problem:
        sys.exit(str(problem))

"""Writes docs/asvs.md: what answers each requirement of OWASP ASVS 5.0, levels 1 and 2 (``make requirements``).

docs/asvs.txt says it, one requirement a line. Tests that do not exist, headings that a document does not have and
lines without an answer are errors; so are tests that docs/security.md names and that do not exist.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.requirements import ROOT, tests_of

SOURCE = ROOT / "docs" / "asvs.txt"
DOCUMENT = ROOT / "docs" / "asvs.md"
SECURITY = ROOT / "docs" / "security.md"
CHAPTERS = {
    "V1": "Encoding and sanitization",
    "V2": "Validation and business logic",
    "V3": "Web frontend",
    "V4": "API and web service",
    "V5": "Files",
    "V6": "Authentication",
    "V7": "Sessions",
    "V8": "Authorization",
    "V9": "Self-contained tokens",
    "V10": "OAuth and OpenID Connect",
    "V11": "Cryptography",
    "V12": "Communication",
    "V13": "Configuration",
    "V14": "Data protection",
    "V15": "Architecture and coding",
    "V16": "Logging and errors",
    "V17": "WebRTC",
}
_LINE = re.compile(r"(?P<id>V\d+\.\d+\.\d+) (?P<level>[12]) \| (?P<asked>[^|]+) \| (?P<answer>[^|]+)")
_FOREWORD = (
    "Written by `make requirements` from docs/asvs.txt; never by hand. What is asked stands here in our words; the"
    " standard's own words count.\n"
)
_SUMMARY = (
    "Of {total} requirements {proved} are answered by tests, {documented} by documents, {operator} by whoever runs the"
    " installation, {not_applicable} do not apply, and {open} are open. That a test answers one says that it proves a"
    " part of it, not that nothing is missing.\n"
)
_WORDS = ("not applicable: ", "operator: ", "open: ")
_NAMED = re.compile(r"`(tests/[\w/]+\.py::\w+)`")


class Unanswered(Exception):
    """A line that says nothing that can be followed."""


def lines(source: Path = SOURCE) -> Iterator[tuple[str, str, str, str]]:
    """Id, level, what is asked, and the answer, of every requirement."""
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise Unanswered(line)
        yield found["id"], found["level"], found["asked"].strip(), found["answer"].strip()


def document(source: Path = SOURCE) -> str:
    """The text of docs/asvs.md. Raises Unanswered."""
    known = tests_of(ROOT / "tests")
    rows: dict[str, list[str]] = {chapter: [] for chapter in CHAPTERS}
    kinds = dict.fromkeys(("proved", "documented", "not applicable", "operator", "open"), 0)
    for name, level, asked, answer in lines(source):
        told, kind = _told(name, answer, known)
        kinds[kind] += 1
        rows[name.partition(".")[0]].append(f"| {name} | {level} | {asked} | {told} |")
    parts = [
        "# OWASP ASVS 5.0, levels 1 and 2\n",
        _FOREWORD,
        _SUMMARY.format(
            total=sum(kinds.values()), **{kind.replace(" ", "_"): n for kind, n in kinds.items()}
        ),
    ]
    for chapter, title in CHAPTERS.items():
        table = "\n".join(rows[chapter])
        parts.append(
            f"## {chapter} {title}\n\n| id | level | asked | answer |\n| --- | --- | --- | --- |\n{table}\n"
        )
    return "\n".join(parts)


def _told(name: str, answer: str, known: frozenset[str]) -> tuple[str, str]:
    """The answer as the document shows it, and of which kind it is."""
    for word in _WORDS:
        if answer.startswith(word):
            kind, why = word.removesuffix(": "), answer.removeprefix(word)
            shown = {
                "not applicable": "Not applicable, because",
                "operator": "By the operator:",
                "open": "**Open:**",
            }
            return f"{shown[kind]} {why}", kind
    told, proved = [], False
    for part in answer.split("; "):
        if part.startswith("documented: "):
            told.append(_heading(name, part.removeprefix("documented: ")))
        else:
            told.append(f"`{_test(name, part, known)}`")
            proved = True
    return "<br>".join(told), "proved" if proved else "documented"


def _test(name: str, part: str, known: frozenset[str]) -> str:
    file, _, test = part.partition("::")
    full = f"tests/{file}::test_{test}"
    if full not in known:
        raise Unanswered(f"{name} names {full}, which does not exist")
    return full


def _heading(name: str, place: str) -> str:
    file, _, heading = place.partition("#")
    text = (ROOT / file).read_text(encoding="utf-8")
    if not re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE):
        raise Unanswered(f"{name} names “{heading}” in {file}, which it does not have")
    return f"{file}, “{heading}”"


def unknown_tests(text: str) -> set[str]:
    """Tests that a document names in backticks and that do not exist."""
    return set(_NAMED.findall(text)) - tests_of(ROOT / "tests")


def main() -> None:
    missing = unknown_tests(SECURITY.read_text(encoding="utf-8"))
    if missing:
        sys.exit(f"docs/security.md names tests that do not exist: {', '.join(sorted(missing))}")
    try:
        DOCUMENT.write_text(document(), encoding="utf-8")
    except Unanswered as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()

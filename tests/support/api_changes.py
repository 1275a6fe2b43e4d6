"""What has changed in the API since it was last released, and what of it docs/api/changelog.md does not tell.

``make release-api`` is part of a release: what stands under "Unreleased" gets today's date for a heading, and the
API as it is printed becomes docs/api/released.graphql, with which everything after it is compared.

The rules (I1): a breaking change stands under "### Breaking", a dangerous one under "### Dangerous" or "### Breaking", each as

    - `Customer.name`: why it had to be

with the coordinate of what changed, in which ``*`` stands for anything. What is deprecated says from when until when:
``@deprecated(reason: "Use label. Deprecated on 2026-11-22, removed after 2027-05-22.")``, at least six months. It is not removed before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema
from graphql.utilities import BreakingChange, DangerousChange, find_schema_changes

from tests.support import sdl

API = Path(__file__).parents[2] / "docs" / "api"
RELEASED = API / "released.graphql"
CHANGELOG = API / "changelog.md"
SIX_MONTHS = 181  # days: the shortest six months, from September to February

_HEADING = "## Unreleased"
_LINE = re.compile(r"^- `([^`]+)`: \S", re.MULTILINE)
_RELEASED_ON = re.compile(r"\A# Released on (\d{4}-\d\d-\d\d)\n")
_DEPRECATED = re.compile(r"Deprecated on (\d{4}-\d\d-\d\d), removed after (\d{4}-\d\d-\d\d)\.$")
_OF_A_FIELD = re.compile(r"@?\w+\.\w+(?:\(\w+:\))?|@\w+(?:\(\w+:\))?")
_OF_A_TYPE = (
    re.compile(r" (?:union type|implemented by) (\w+)\.$"),
    re.compile(r"^(?:Standard scalar )?(\w+) "),
)


@dataclass(frozen=True)
class Snapshot:
    """The API as it was released on a day."""

    schema: GraphQLSchema
    day: date

    @classmethod
    def read(cls, text: str) -> "Snapshot":
        found = _RELEASED_ON.match(text)
        assert found, "the snapshot begins with `# Released on YYYY-MM-DD`"
        return cls(build_schema(text), date.fromisoformat(found[1]))


def faults(released: Snapshot, current: GraphQLSchema, changelog: str, today: date) -> list[str]:
    """What the changelog does not tell, and what is deprecated or removed too hastily; nothing when all is well."""
    return [
        *_untold(released.schema, current, changelog),
        *_undated(released, current),
        *_hasty(released.schema, current, today),
    ]


def coordinate(description: str) -> str:
    """Of what a change's description speaks: ``Customer.name``, ``Query.customers(first:)``, ``Customer``, ``@skip``."""
    found = _OF_A_FIELD.search(description)
    if found:
        return found[0]
    named = [pattern.search(description) for pattern in _OF_A_TYPE]
    return next(match[1] for match in named if match)


def _untold(released: GraphQLSchema, current: GraphQLSchema, changelog: str) -> Iterator[str]:
    breaking = _told(changelog, "### Breaking")
    dangerous = breaking + _told(changelog, "### Dangerous")
    for change in find_schema_changes(released, current):
        if isinstance(change, BreakingChange):
            told, kind = breaking, "breaking"
        elif isinstance(change, DangerousChange):
            told, kind = dangerous, "dangerous"
        else:
            continue
        name = coordinate(change.description)
        if not any(fnmatchcase(name, pattern) for pattern in told):
            yield f"{kind}, and not told in the changelog as `{name}`: {change.description}"


def _told(changelog: str, heading: str) -> list[str]:
    """The coordinates of the lines below a heading of what is unreleased."""
    unreleased = _section(changelog, _HEADING, "\n## ")
    return _LINE.findall(_section(unreleased, heading, "\n### "))


def _section(text: str, heading: str, following: str) -> str:
    _, _, after = text.partition(f"{heading}\n")
    return after.partition(following)[0]


def _undated(released: Snapshot, current: GraphQLSchema) -> Iterator[str]:
    before = dict(_deprecations(released.schema))
    for name, reason in _deprecations(current):
        dates = _dates(reason)
        known = _dates(before.get(name, ""))
        if dates is None:
            yield f"{name} is deprecated and does not say “Deprecated on …, removed after ….”"
        elif (dates[1] - dates[0]).days < SIX_MONTHS:
            yield f"{name} leaves after {dates[1]}: less than six months from {dates[0]}"
        elif known is not None and (dates[1] < known[1] or dates[0] != known[0]):
            yield f"{name} was to leave after {known[1]}: that may be put off, not brought forward"
        elif known is None and dates[0] < released.day:
            yield f"{name} is deprecated from {dates[0]}, and the release of {released.day} did not say so"


def _hasty(released: GraphQLSchema, current: GraphQLSchema, today: date) -> Iterator[str]:
    remaining = set(_coordinates(current))
    for name, reason in _deprecations(released):
        dates = _dates(reason)
        if name not in remaining and dates is not None and today <= dates[1]:
            yield f"{name} is gone, and was to stay until {dates[1]}"


def _dates(reason: str) -> tuple[date, date] | None:
    found = _DEPRECATED.search(reason)
    return (date.fromisoformat(found[1]), date.fromisoformat(found[2])) if found else None


def _deprecations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for name, element in _elements(schema):
        if element.deprecation_reason is not None:
            yield name, element.deprecation_reason


def _coordinates(schema: GraphQLSchema) -> Iterator[str]:
    return (name for name, _ in _elements(schema))


def _elements(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    """Everything that can be deprecated, by its coordinate."""
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        for name, element in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            yield f"{kind.name}.{name}", element
            for argument, given in getattr(element, "args", {}).items():
                yield f"{kind.name}.{name}({argument}:)", given


def release(today: date) -> None:
    """What is unreleased is released today."""
    text = CHANGELOG.read_text(encoding="utf-8")
    assert text.count(f"{_HEADING}\n") == 1, "the changelog has one heading for what is unreleased"
    CHANGELOG.write_text(text.replace(f"{_HEADING}\n", f"{_HEADING}\n\n## {today}\n"), encoding="utf-8")
    RELEASED.write_text(f"# Released on {today}\n{sdl.document()}", encoding="utf-8")


if __name__ == "__main__":
    release(date.today())  # noqa: DTZ011 - a release bears the date of whoever makes it

"""Nothing of the API goes away, or changes its meaning, without being told (docs/api/changelog.md)."""

from datetime import date
from pathlib import Path

import pytest
from graphql import build_schema

from tests.support import sdl
from tests.support.api_changes import CHANGELOG, RELEASED, Snapshot, coordinate, faults

pytestmark = pytest.mark.requirement("I1")
DAY = date(2026, 11, 22)
RELEASE = """
type Query { customer(id: ID!, archived: Boolean = false): Customer  tags(first: Int): [Tag!]! }
type Customer implements Node { id: ID!  name: String  state: State }
type Tag { name: String! }
type Size { of: Int }
interface Node { id: ID! }
enum State { CURRENT PAST }
input CustomerInput { name: String!  city: String }
type Mutation { createCustomer(input: CustomerInput): Customer }
union Found = Customer | Tag
directive @masked(by: String) on FIELD
"""


def judged(before, after, changelog="", *, today=DAY):
    return faults(Snapshot(build_schema(before), DAY), build_schema(after), changelog, today)


def changed(*replacements):
    text = RELEASE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


def log(*lines, heading="### Breaking"):
    return "\n".join(["# Changelog", "", "## Unreleased", "", heading, "", *lines, ""])


def test_every_change_since_the_last_release_is_told():
    released = Snapshot.read(RELEASED.read_text(encoding="utf-8"))
    current = build_schema(sdl.DOCUMENT.read_text(encoding="utf-8"))
    changelog = CHANGELOG.read_text(encoding="utf-8")
    today = date.today()  # noqa: DTZ011 - a deprecated field may go when its day has come
    assert faults(released, current, changelog, today) == []


def test_what_is_safe_needs_no_line():
    assert judged(RELEASE, RELEASE) == []
    added = changed(("type Tag { name: String! }", "type Tag { name: String! colour: Colour } scalar Colour"))
    assert judged(RELEASE, added) == []
    firmer = changed(("id: ID!  name: String ", "id: ID!  name: String! "))
    assert judged(RELEASE, firmer) == []


BREAKING = [
    (("  name: String  state", "  state"), "Customer.name"),
    (("  name: String  state", "  name: Int  state"), "Customer.name"),
    (("tags(first: Int)", "tags"), "Query.tags(first:)"),
    (("tags(first: Int)", "tags(first: Int!)"), "Query.tags(first:)"),
    (("tags(first: Int)", "tags(first: Int, at: Int!)"), "Query.tags(at:)"),
    (("{ CURRENT PAST }", "{ CURRENT }"), "State.PAST"),
    (("  city: String }", "  city: String  number: Int! }"), "CustomerInput.number"),
    (("  city: String }", "}"), "CustomerInput.city"),
    (("type Customer implements Node {", "type Customer {"), "Customer"),
    (("union Found = Customer | Tag", "union Found = Tag"), "Found"),
    (("union Found = Customer | Tag", ""), "Found"),
    (("directive @masked(by: String) on FIELD", ""), "@masked"),
    (("directive @masked(by: String)", "directive @masked"), "@masked(by:)"),
]


@pytest.mark.parametrize(("change", "name"), BREAKING)
def test_what_breaks_stands_under_breaking_with_a_reason(change, name):
    after = changed(change)
    (fault,) = judged(RELEASE, after)
    assert fault.startswith(f"breaking, and not told in the changelog as `{name}`: ")
    assert judged(RELEASE, after, log(f"- `{name}`: nobody could use it.")) == []
    for useless in (
        log(f"- `{name}`:"),
        log(f"- {name}: without its marks"),
        log("- `Customer.other`: something else"),
        log(f"- `{name}`: under the wrong heading", heading="### Added"),
        log(f"- `{name}`: under the wrong heading", heading="### Dangerous"),
        log().replace("Unreleased", "2026-01-01") + f"- `{name}`: an old one\n",
        log("") + f"\n## 2026-01-01\n\n### Breaking\n\n- `{name}`: an old one\n",
    ):
        assert judged(RELEASE, after, useless) == [fault]


DANGEROUS = [
    (("{ CURRENT PAST }", "{ CURRENT PAST LOST }"), "State.LOST"),
    (("  city: String }", "  city: String  number: Int }"), "CustomerInput.number"),
    (("tags(first: Int)", "tags(first: Int, last: Int)"), "Query.tags(last:)"),
    (("archived: Boolean = false", "archived: Boolean = true"), "Query.customer(archived:)"),
    (("archived: Boolean = false", "archived: Boolean"), "Query.customer(archived:)"),
    (("type Tag {", "type Tag implements Node { id: ID!"), "Tag"),
    (("union Found = Customer | Tag", "union Found = Customer | Tag | Query"), "Found"),
]


@pytest.mark.parametrize(("change", "name"), DANGEROUS)
def test_what_is_dangerous_stands_under_either_heading(change, name):
    after = changed(change)
    (fault,) = judged(RELEASE, after)
    assert fault.startswith(f"dangerous, and not told in the changelog as `{name}`: ")
    for heading in ("### Dangerous", "### Breaking"):
        assert judged(RELEASE, after, log(f"- `{name}`: it is new.", heading=heading)) == []


def test_one_line_may_stand_for_many():
    after = changed(("{ CURRENT PAST }", "{ CURRENT PAST LOST GONE }"))
    assert judged(RELEASE, after, log("- `State.*`: they are lost.", heading="### Dangerous")) == []


def deprecated(reason):
    return changed(("name: String  state", f'name: String @deprecated(reason: "{reason}") state'))


SAID = "Use title. Deprecated on 2026-11-22, removed after 2027-05-22."


def test_a_deprecation_says_from_when_until_when():
    assert judged(RELEASE, deprecated(SAID)) == []
    for reason, fault in (
        ("Use title.", "Customer.name is deprecated and does not say “Deprecated on …, removed after ….”"),
        (
            SAID.replace("2027-05-22", "2027-05-02"),
            "Customer.name leaves after 2027-05-02: less than six months from 2026-11-22",
        ),
        (
            "Deprecated on 2026-01-01, removed after 2026-12-31.",
            "Customer.name is deprecated from 2026-01-01, and the release of 2026-11-22 did not say so",
        ),
    ):
        assert judged(RELEASE, deprecated(reason)) == [fault]


def test_every_kind_of_deprecation_is_seen():
    for change in (
        ("CURRENT PAST", "CURRENT PAST @deprecated"),
        ("tags(first: Int)", "tags(first: Int @deprecated)"),
        ("city: String", "city: String @deprecated"),
    ):
        (fault,) = judged(RELEASE, changed(change))
        assert "does not say" in fault


def test_a_deprecation_is_put_off_but_not_brought_forward():
    before = deprecated(SAID)
    assert judged(before, deprecated(SAID.replace("2027-05-22", "2027-12-31"))) == []
    forward = SAID.replace("2026-11-22", "2026-06-01").replace("2027-05-22", "2027-01-31")
    assert judged(before, deprecated(forward)) == [
        "Customer.name was to leave after 2027-05-22: that may be put off, not brought forward"
    ]


def test_what_is_deprecated_stays_for_its_time():
    gone = changed(("name: String  state", "state"))
    told = log("- `Customer.name`: it was deprecated.")
    early = ["Customer.name is gone, and was to stay until 2027-05-22"]
    assert judged(deprecated(SAID), gone, told, today=date(2027, 5, 22)) == early
    assert judged(deprecated(SAID), gone, told, today=date(2027, 5, 23)) == []


def test_coordinates_are_found_in_descriptions():
    for description, name in (
        ("Argument Query.customers(where:) has changed type from A! to B!.", "Query.customers(where:)"),
        ("Standard scalar Float was removed because it is not referenced anymore.", "Float"),
        ("Customer changed from an Object type to an Interface type.", "Customer"),
        ("Node added to interfaces implemented by Customer.", "Customer"),
    ):
        assert coordinate(description) == name


def test_a_release_dates_what_was_unreleased(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.api_changes.RELEASED", tmp_path / "released.graphql")
    monkeypatch.setattr("tests.support.api_changes.CHANGELOG", tmp_path / "changelog.md")
    monkeypatch.setattr(sdl, "document", lambda: RELEASE)
    (tmp_path / "changelog.md").write_text(log("- `State.PAST`: nobody is."))
    from tests.support.api_changes import release

    release(DAY)
    snapshot = Snapshot.read(Path(tmp_path / "released.graphql").read_text())
    assert snapshot.day == DAY
    changelog = (tmp_path / "changelog.md").read_text()
    assert changelog.startswith(
        "# Changelog\n\n## Unreleased\n\n## 2026-11-22\n\n### Breaking\n\n- `State.PAST`: "
    )
    after = build_schema(changed(("{ CURRENT PAST }", "{ CURRENT }")))
    assert len(faults(snapshot, after, changelog, DAY)) == 1

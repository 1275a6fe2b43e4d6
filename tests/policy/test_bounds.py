"""The bounds of access rules: whatever is edited, nobody gets more than the editor had, and the owner's line stays (A11)."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.access_bounds import check_bounds, may_give
from kedang_tenants.people.access_rules import (
    CELLS,
    DEFAULT_RULES,
    WRITING,
    AccessRules,
    Reader,
    cell_of,
    printed,
    rules_of,
)
from kedang_tenants.people.policy import DEFAULT_POLICY, INBOX, access_of
from kedang_tenants.reading import NO_ACCESS, Scope

SALES = UUID(int=1)
EVERYTHING = access_of(("OWNER",), full_seat=True)


def wrong(content: dict[str, Any], **more: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    """Code and path of everything that is wrong with a content."""
    reader = Reader(content)
    rules = reader.rules()
    given = {
        "before": DEFAULT_RULES,
        "reach": EVERYTHING,
        "used": (),
        "departments": {SALES},
        "roles": {"OWNER"},
        **more,
    }
    return [(e.code, e.path) for e in reader.errors or check_bounds(rules, **given)]


def records(role: str, record: str, **cells: Any) -> dict[str, Any]:
    return {"roles": {role: {"records": {record: cells}}}}


@pytest.mark.requirement("A11")
@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        (records("OWNER", "customer", read="OWN"), "OWNER_LINE_FIXED", ("roles", "OWNER", "records")),
        (
            records("ADMIN", "notice", read="ALL"),
            "OWN_INBOX_FIXED",
            ("roles", "ADMIN", "records", "notice"),
        ),
        (
            records("VIEW_ONLY", "customer", update="OWN"),
            "VIEW_ONLY_WRITES",
            ("roles", "VIEW_ONLY", "records", "customer", "update"),
        ),
        (
            records("REPRESENTATIVE", "product", read="DEPARTMENT"),
            "SCOPE_NEEDS_OWNER",
            ("roles", "REPRESENTATIVE", "records", "product", "read"),
        ),
        (
            records("FINANCE", "order", update="ALL", read="OWN", names="OWN"),
            "BEYOND_READING",
            ("roles", "FINANCE", "records", "order", "update"),
        ),
        ({"roles": {"x": {"base": "FINANCE"}}}, "INVALID_ROLE_CODE", ("roles", "x")),
        ({"roles": {"KEY": {"base": "OWNER"}}}, "ROLE_BASE_UNKNOWN", ("roles", "KEY", "base")),
        ({"roles": {"KEY": {"base": "KEY"}}}, "ROLE_BASE_UNKNOWN", ("roles", "KEY", "base")),
        ({"roles": {"KEY": {"base": "FINANCE"}}}, "REQUIRED", ("roles", "KEY", "label")),
        (
            {"roles": {"FINANCE": {"label": {"en": " "}}}},
            "INVALID_LABEL",
            ("roles", "FINANCE", "label", "en"),
        ),
        (records("FINANCE", "wine", read="ALL"), "RECORD_UNKNOWN", ("roles", "FINANCE", "records", "wine")),
        (
            records("FINANCE", "order", drink="ALL"),
            "ACTION_UNKNOWN",
            ("roles", "FINANCE", "records", "order", "drink"),
        ),
        (
            records("FINANCE", "order", read="SOME"),
            "UNKNOWN_VALUE",
            ("roles", "FINANCE", "records", "order", "read"),
        ),
        (
            records("FINANCE", "order", sensitive={"phones": "ALL"}),
            "ACTION_UNKNOWN",
            ("roles", "FINANCE", "records", "order", "sensitive", "phones"),
        ),
        ({"rules": {}}, "UNKNOWN_FIELD", ("rules",)),
        ({"roles": []}, "INVALID_CONTENT", ("roles",)),
        (
            {"roles": {"FINANCE": {"departments": ["dep_" + UUID(int=2).hex]}}},
            "NOT_FOUND",
            ("roles", "FINANCE", "departments", 0),
        ),
    ],
)
def test_what_lies_outside_of_the_bounds_is_refused_with_its_place(content, code, path):
    assert (code, path) in wrong(content)


def test_what_lies_within_is_taken():
    assert wrong({"roles": {}}) == []
    assert wrong(records("REPRESENTATIVE", "customer", read="DEPARTMENT_ONLY", update="NONE")) == []
    assert wrong({"roles": {"OWNER": {"label": {"zh": "老板"}}}}) == []
    key = {"base": "REPRESENTATIVE", "label": {"en": "Key accounts"}, "departments": ["dep_" + SALES.hex]}
    assert wrong({"roles": {"KEY": {**key, "records": {"customer": {"read": "CHOSEN"}}}}}) == []


def test_nobody_gives_more_than_they_have():
    manager = access_of(("DEPARTMENT_MANAGER",), full_seat=True)
    given = {"reach": manager, "roles": {"DEPARTMENT_MANAGER"}}
    assert wrong(records("REPRESENTATIVE", "customer", read="DEPARTMENT"), **given) == []
    assert wrong(records("REPRESENTATIVE", "customer", read="ALL"), **given) == [
        ("BEYOND_YOUR_OWN", ("roles", "REPRESENTATIVE", "records", "customer", "read"))
    ]
    # What they have already may be taken from them and stays what it was for everybody else.
    assert wrong(records("FINANCE", "customer", names="ALL", read="OWN"), **given) == []
    without_seat = access_of(("DEPARTMENT_MANAGER",), full_seat=False)
    assert wrong(records("FINANCE", "customer", update="OWN"), **given | {"reach": without_seat}) == [
        ("BEYOND_YOUR_OWN", ("roles", "FINANCE", "records", "customer", "update"))
    ]


def test_departments_are_chosen_by_who_reaches_everything():
    key = {"base": "REPRESENTATIVE", "label": {"en": "Key"}, "departments": ["dep_" + SALES.hex]}
    content = {"roles": {"KEY": {**key, "records": {"customer": {"read": "CHOSEN"}}}}}
    manager = access_of(("DEPARTMENT_MANAGER",), full_seat=True)
    assert ("BEYOND_YOUR_OWN", ("roles", "KEY", "departments")) in wrong(
        content, reach=manager, roles={"DEPARTMENT_MANAGER"}
    )
    assert wrong(content) == []


def test_a_role_that_somebody_has_is_not_dropped():
    key = {"roles": {"KEY": {"base": "FINANCE", "label": {"en": "Key"}}}}
    assert wrong(key, used=("KEY",)) == []
    assert wrong({"roles": {}}, used=("KEY",)) == [("ROLE_IN_USE", ("roles", "KEY"))]


def test_the_owner_can_give_every_role_and_the_administrator_all_but_the_owners():
    admin = access_of(("ADMIN",), full_seat=True)
    for code in DEFAULT_POLICY:
        assert may_give(DEFAULT_RULES, code, roles={"OWNER"}, reach=EVERYTHING), code
        assert may_give(DEFAULT_RULES, code, roles={"ADMIN"}, reach=admin) is (code != "OWNER"), code


def test_the_office_appoints_who_writes_what_it_only_reads_itself():
    assert cell_of(EVERYTHING["invoice"], "create") is Scope.NONE
    own = {"base": "FINANCE", "label": {"en": "Bookkeeping"}}
    assert wrong({"roles": {"BOOKS": own}}) == []
    assert may_give(rules_of({"roles": {"BOOKS": own}}), "BOOKS", roles={"OWNER"}, reach=EVERYTHING)
    beyond = records("REPRESENTATIVE", "invoice", create="OWN")
    assert wrong(beyond) == [("BEYOND_YOUR_OWN", ("roles", "REPRESENTATIVE", "records", "invoice", "create"))]
    assert not may_give(rules_of(beyond), "REPRESENTATIVE", roles={"OWNER"}, reach=EVERYTHING)


def test_a_role_is_not_given_by_who_reaches_less():
    rules = rules_of(records("REPRESENTATIVE", "customer", read="ALL"))
    manager = access_of(("DEPARTMENT_MANAGER",), full_seat=True)
    assert not may_give(rules, "REPRESENTATIVE", roles={"DEPARTMENT_MANAGER"}, reach=manager)
    assert may_give(rules, "REPRESENTATIVE", roles={"OWNER"}, reach=EVERYTHING)
    assert not may_give(rules, "SOMETHING", roles={"OWNER"}, reach=EVERYTHING)


def test_the_content_that_is_printed_says_the_same_rules():
    content = {
        "roles": {
            "KEY": {
                "base": "REPRESENTATIVE",
                "label": {"en": "Key accounts", "zh": "大客户"},
                "departments": ["dep_" + SALES.hex],
                "records": {"customer": {"read": "CHOSEN", "sensitive": {"phone": "ALL"}}},
            },
            "FINANCE": {"records": {"order": {"read": "OWN"}}},
        }
    }
    rules = rules_of(content)
    assert printed(rules) == content
    # What goes without saying is not printed.
    assert printed(rules_of(records("FINANCE", "order", read="ALL"))) == {"roles": {"FINANCE": {}}}
    assert rules.tables["KEY"]["customer"].read is Scope.CHOSEN
    assert rules.tables["KEY"]["customer"].sensitive["credit"] is Scope.OWN
    assert rules.tables["FINANCE"]["order"].read is Scope.OWN
    assert rules.tables["MARKETER"] is DEFAULT_POLICY["MARKETER"]


def test_scopes_are_a_line():
    line = [Scope.NONE, Scope.OWN, Scope.DEPARTMENT_ONLY, Scope.DEPARTMENT, Scope.CHOSEN, Scope.ALL]
    assert all(one < other for one, other in pairwise(line))
    assert sorted(Scope) == line


# Properties


def _of_role(cells: dict[str, Any], departments: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"records": cells}
    if departments:
        said["departments"] = ["dep_" + SALES.hex]
    return said


_ROLES = st.sampled_from([*DEFAULT_POLICY, "KEY", "LOOKER"])
_RECORDS = st.sampled_from(["customer", "contact", "order", "product", "notice", "archive_grant", "member"])
_SCOPES = st.sampled_from([scope.name for scope in Scope])
_CELLS = st.dictionaries(st.sampled_from([c for c in CELLS if "." not in c]), _SCOPES, max_size=3)
_SAID = st.builds(
    _of_role,
    st.dictionaries(_RECORDS, _CELLS, max_size=2),
    st.booleans(),
)
_EDITS = st.lists(st.dictionaries(_ROLES, _SAID, max_size=3), min_size=1, max_size=4)
_EDITORS = st.lists(st.sampled_from(list(DEFAULT_POLICY)), min_size=1, max_size=2, unique=True)
_BASES = {"KEY": "REPRESENTATIVE", "LOOKER": "VIEW_ONLY"}


def _content(roles: dict[str, Any]) -> dict[str, Any]:
    told = {}
    for code, said in roles.items():
        more = {"base": _BASES[code], "label": {"en": code}} if code in _BASES else {}
        told[code] = {**said, **more}
    return {"roles": told}


def _edited(roles: list[str], edits: list[dict[str, Any]]) -> tuple[AccessRules, AccessRules]:
    """The rules after every edit that the bounds let pass, made by somebody with these roles; what was before, first."""
    rules = DEFAULT_RULES
    for edit in edits:
        wanted = rules_of(_content(edit))
        reach = access_of(roles, full_seat=True, tables=rules.tables)
        if not check_bounds(wanted, before=rules, reach=reach, used=(), departments={SALES}, roles=roles):
            rules = wanted
    return DEFAULT_RULES, rules


@pytest.mark.requirement("A11")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITORS, _EDITS)
def test_no_sequence_of_edits_gives_more_than_the_editor_had(editor, edits):
    before, after = _edited(editor, edits)
    reach = access_of(editor, full_seat=True)
    office = not {"OWNER", "ADMIN"}.isdisjoint(editor)
    for code, table in after.tables.items():
        former = before.tables.get(code, {})
        usual = DEFAULT_POLICY[after.base_of(code)] if office else {}
        for record, access in table.items():
            for cell in CELLS:
                had = max(cell_of(told.get(record, NO_ACCESS), cell) for told in (former, reach, usual))
                assert cell_of(access, cell) <= had, (code, record, cell)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITORS, _EDITS)
def test_the_owners_line_and_everybodys_notices_are_constant(editor, edits):
    _, after = _edited(editor, edits)
    assert after.tables["OWNER"] == DEFAULT_POLICY["OWNER"]
    for code, table in after.tables.items():
        for record in INBOX:
            assert table[record] == DEFAULT_POLICY[after.base_of(code)][record]
        if after.base_of(code) == "VIEW_ONLY":
            for record, access in table.items():
                usual = DEFAULT_POLICY["VIEW_ONLY"].get(record, NO_ACCESS)
                for cell in WRITING:
                    assert cell_of(access, cell) <= cell_of(usual, cell)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITS)
def test_what_is_printed_is_read_as_the_same(edits):
    for edit in edits:
        rules = rules_of(_content(edit))
        again = rules_of(printed(rules))
        assert again.tables == rules.tables
        assert again.own_roles == rules.own_roles


def test_everything_below_a_customer_is_known_to_the_reference():
    from tests.support.reference_reader import BELOW

    ways = {r.name for r in catalogue() if catalogue().way_to_archive(r.name)}
    assert ways == set(BELOW) & {r.name for r in catalogue()}

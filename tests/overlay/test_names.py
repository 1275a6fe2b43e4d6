"""Whatever own fields a company defines, its overlay is a lawful schema, and names stay what they were."""

from uuid import uuid4

import pytest
from graphql import build_schema, print_schema, validate_schema
from graphql.utilities.print_schema import print_type
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_graphql.overlay.naming import choice_type
from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.overlay.types import FILTERED, READ, SORTED, WRITTEN, additions_of
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField

KINDS = ("TEXT", "INTEGER", "DECIMAL", "DAY", "FLAG", "CHOICE")
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True) | st.sampled_from(
    [
        "id",
        "input",
        "where",
        "choice",
        "type",
        "query",
        "a_b",
        "a__b",
        "ab",
        "a_1",
        "a1",
        "true",
        "null",
        "in",
        "custom",
    ]
)
# What a label and an option may be: PostgreSQL keeps no NUL and no half of a surrogate pair.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
OPTIONS = st.lists(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
    | st.sampled_from(["true", "null", "__x"])
    | TEXTS,
    max_size=5,
)


@st.composite
def fields(draw: st.DrawFn) -> tuple[CustomField, ...]:
    records = draw(
        st.lists(
            st.sampled_from([record.name for record in catalogue()]), min_size=1, max_size=3, unique=True
        )
    )
    return tuple(
        CustomField(
            id=uuid4().hex,
            record=record,
            key=key,
            kind_name=draw(st.sampled_from(KINDS)),
            label_en=draw(TEXTS),
            label_zh=draw(TEXTS),
            options=tuple((option, option) for option in draw(OPTIONS)),
        )
        for record in records
        for key in draw(st.lists(KEYS, min_size=1, max_size=6, unique=True))
    )


@pytest.mark.requirement("A4", "I2")
@settings(deadline=None)
@given(fields())
def test_any_own_fields_make_lawful_types_that_read_as_they_are_printed(defined):
    core = build_gateway().core
    made = additions_of(core, defined)
    used = [f"{name}Filter" for name in ("Text", "Decimal", "Date", "Boolean")]
    text = "\n\n".join(
        print_type(found) for found in (*made.types.values(), *(core.type_map[name] for name in used))
    )
    query = "\n".join(
        f"f{n}(a: {name}Where, b: {name}Input, c: {name}SortField): {name}"
        for n, name in enumerate(_named(defined))
    )
    again = build_schema(f"{text}\nscalar Decimal scalar Date type Query {{ {query} }}")
    assert validate_schema(again) == []
    for name, found in made.types.items():
        assert print_type(again.type_map[name]) == print_type(found)
    for field in defined:
        name = f"{catalogue().record(field.record).api_name}Custom"
        words = [" ".join(label.split()) for label in (field.label_en, field.label_zh)]
        told = again.type_map[name].fields[field.key].description
        assert (told or "") == " / ".join(dict.fromkeys(word for word in words if word))


def _named(defined: tuple[CustomField, ...]) -> list[str]:
    return [f"{catalogue().record(name).api_name}Custom" for name in dict.fromkeys(f.record for f in defined)]


def test_the_whole_schema_reads_as_it_is_printed():
    defined = [
        CustomField(
            uuid4().hex,
            record.name,
            f"own_{kind.lower()}",
            kind,
            "Own",
            "自有",
            options=(("A", "A"), ("B", "B")),
        )
        for record in catalogue()
        for kind in KINDS
    ]
    overlays = Overlays(build_gateway())
    overlay = overlays.build(tuple(defined))
    assert validate_schema(overlay.schema) == []
    text = overlays.text_of(overlay).text.decode()
    again = build_schema(text)
    assert _sorted(print_schema(again)) == _sorted(text)


def _sorted(text: str) -> list[str]:
    return sorted(text.rstrip("\n").split("\n"))


@settings(deadline=None)
@given(st.lists(KEYS, min_size=2, max_size=20, unique=True))
def test_no_two_choices_have_one_name(keys):
    customer = catalogue().record("customer")
    assert len({choice_type(customer, key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sales_region", "CustomerCustomSalesRegionChoice"),
        ("a_b", "CustomerCustomABChoice"),
        ("a__b", "CustomerCustom_a__b_Choice"),
        ("a1", "CustomerCustomA1Choice"),
        ("a_1", "CustomerCustom_a_1_Choice"),
        ("a_", "CustomerCustom_a__Choice"),
    ],
)
def test_a_choice_is_called_by_its_key(key, name):
    assert choice_type(catalogue().record("customer"), key) == name


def test_the_static_schema_leaves_their_names_free():
    schema = build_gateway().core
    for record in catalogue():
        name = record.api_name
        assert not [
            known
            for known in schema.type_map
            if known.startswith(f"{name}Custom") and not known.startswith(f"{name}Customer")
        ]
        assert READ not in schema.type_map[name].fields
        assert FILTERED not in schema.type_map[f"{name}Where"].fields
        assert SORTED not in schema.type_map[f"{name}Sort"].fields
        assert not [
            value for value in schema.type_map[f"{name}SortField"].values if value.startswith("CUSTOM_")
        ]
        for given_in in (f"Create{name}Input", f"Update{name}Input"):
            if given_in in schema.type_map:
                assert WRITTEN not in schema.type_map[given_in].fields


def test_a_key_that_graphql_could_not_say_is_left_out():
    named = [CustomField("a" * 32, "customer", key, "TEXT", "A", "A") for key in ("ok", "Not-ok", "9", "_x")]
    overlay = Overlays(build_gateway()).build(tuple(named))
    assert list(overlay.schema.type_map["CustomerCustom"].fields) == ["ok"]


def test_the_static_schema_is_left_as_it_is():
    gateway = build_gateway()
    before = print_schema(gateway.core)
    overlay = Overlays(gateway).build((CustomField("a" * 32, "customer", "tier", "TEXT", "A", "A"),))
    assert print_schema(gateway.core) == before
    assert overlay.schema.type_map["CustomerSortField"] is gateway.core.type_map["CustomerSortField"]
    assert overlay.schema.type_map["Customer"] is not gateway.core.type_map["Customer"]
    assert overlay.schema.type_map["Order"].fields["customer"].type is overlay.schema.type_map["Customer"]
    assert (
        overlay.schema.type_map["Order"].fields["number"] is gateway.core.type_map["Order"].fields["number"]
    )

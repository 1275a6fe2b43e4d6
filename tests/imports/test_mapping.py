from dataclasses import replace

import pytest

from kedang_platform.database import CompanyRef
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.imports.errors import DuplicateTarget, MissingColumns
from kedang_tenants.imports.mapping import Mapping, lay_out
from kedang_tenants.imports.targets import propose_mapping, targets
from kedang_tenants.reading import Viewer

FLEET = CustomField("f1", "customer", "fleet", "INTEGER", "Lorries", "货车")
SIZE = CustomField("f2", "customer", "size", "TEXT", "Size", "规模", required=True)


def viewer(*custom: CustomField) -> Viewer:
    return Viewer(
        company=CompanyRef(new_id(), "t_abcdefgh"),
        member_id=new_id(),
        roles=frozenset(),
        department_members=(),
        access={},
        language="en",
        time_zone="Asia/Shanghai",
        currency="CNY",
        country="CN",
        fingerprint="",
        custom_fields=custom,
    )


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("name", "name"),
        ("NAME", "name"),
        ("Customer name", "name"),
        ("customer_number", "number"),
        ("postalCode", "postalCode"),
        ("postal_code", "postalCode"),
        ("Postal code", "postalCode"),
        ("Unified social credit code", "creditCode"),
        ("owner", "owner"),
        ("Owner e-mail", "owner"),
        ("owner_id", "owner"),
        ("Parent company", "parent"),
        ("parent number", "parent"),
        ("Lorries", "custom.fleet"),
        ("货车", "custom.fleet"),
        ("custom.fleet", "custom.fleet"),
        ("fleet", "custom.fleet"),
    ],
)
def test_a_column_is_known_by_any_name_of_its_field(column, path):
    assert propose_mapping(viewer(FLEET), catalogue().record("customer"), [column]) == {column: path}


@pytest.mark.parametrize(
    "column",
    [
        "id",
        "version",
        "Created at",
        "Phone, international",
        "Row number",
        "Reason",
        "Error code",
        "grade",
        "x",
    ],
)
def test_what_no_import_may_write_is_not_proposed(column):
    assert propose_mapping(viewer(), catalogue().record("customer"), [column]) == {}


def test_no_field_is_proposed_twice():
    proposed = propose_mapping(viewer(), catalogue().record("customer"), ["Name", "Customer name", "city"])
    assert proposed == {"Name": "name", "city": "city"}


def test_every_record_that_can_be_written_has_targets_for_all_it_requires():
    for record in catalogue():
        if "create" in record.actions:
            fillable = {target.field.name for target in targets(viewer(), record) if target.field}
            required = {
                field.name for field in record.visible_fields if field.required and not field.spec.read_only
            }
            references = {field.name for field in record.references}
            assert required - fillable <= references, record.name


def test_required_fields_must_be_filled_by_a_column_or_by_a_default():
    customer = catalogue().record("customer")
    with pytest.raises(MissingColumns) as missing:
        lay_out(viewer(SIZE), customer, "CREATE", ["city"], Mapping())
    assert missing.value.params == {"columns": "name, custom.size"}
    made = lay_out(viewer(SIZE), customer, "CREATE", ["name"], Mapping(defaults={"custom.size": "L"}))
    assert made.key == ()
    lay_out(viewer(SIZE), customer, "UPDATE", ["number", "city"], Mapping())
    of_a_class = replace(SIZE, of_class="c1")  # whose customers the file may not hold
    lay_out(viewer(of_a_class), customer, "CREATE", ["name"], Mapping())


def test_a_key_of_ones_own_replaces_that_of_the_record():
    line = catalogue().record("order_line")
    columns = ["order", "product", "quantity", "unit_price"]
    with pytest.raises(MissingColumns):
        lay_out(viewer(), line, "UPSERT", columns, Mapping())
    made = lay_out(viewer(), line, "UPSERT", columns, Mapping(key=("order", "product")))
    assert [target.path for target in made.key] == ["order", "product"]


def test_a_default_may_stand_beside_a_column_but_not_beside_another_way_to_the_same_field():
    customer = catalogue().record("customer")
    made = lay_out(viewer(), customer, "CREATE", ["name", "city"], Mapping(defaults={"city": "Wien"}))
    fills = {fill.target.path: (fill.position, fill.default) for fill in made.fills}
    assert fills == {"name": (0, ""), "city": (1, "Wien")}
    mapping = Mapping({"name": "name", "owner": "owner"}, {"owner.email": "a@b.example"})
    with pytest.raises(DuplicateTarget):
        lay_out(viewer(), customer, "CREATE", ["name", "owner"], mapping)


def test_a_mapping_survives_being_stored():
    for mapping in (Mapping(), Mapping({"a": "name"}, {"city": "Wien"}, ("number",))):
        assert Mapping.from_json(mapping.as_json()) == mapping

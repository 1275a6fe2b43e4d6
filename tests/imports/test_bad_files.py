"""Every bad input of issue 2: the file as a whole is refused, or the row is, and nothing else changes."""

import os

import pytest

from kedang_platform.i18n import translate
from kedang_tenants.imports import errors
from kedang_tenants.imports.mapping import Mapping
from kedang_tenants.imports.operations import start_import
from tests.imports.test_xlsx_source import sheet_of


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("content", "mapping", "error"),
    [
        ("name,number\nCafé,1\n".encode("latin-1"), Mapping(), errors.wrong_encoding(2)),
        (b"", Mapping(), errors.empty_file()),
        (b"PK\x03\x04 no workbook", Mapping(), errors.unknown_format()),
        ("city,phone\nWien,1\n", Mapping(), errors.missing_columns(["number"])),
        ("number,city\n1,Wien\n", Mapping(), errors.missing_columns(["name"])),
        ("number,name\n1,A\n", Mapping({"Nummer": "number"}), errors.unknown_columns(["Nummer"])),
        (
            "number,name,alias\n1,A,B\n",
            Mapping({"name": "name", "alias": "name"}),
            errors.duplicate_target("name"),
        ),
        (",".join(f"c{n}" for n in range(300)), Mapping(), errors.too_many_columns()),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
async def test_a_file_that_cannot_be_imported_says_why_and_changes_nothing(office, content, mapping, error):
    before = await office.all_rows()
    failed = await office.imports("customer", content, mapping=mapping)
    assert (failed.state, failed.row["error_code"]) == ("FAILED", error.code)
    assert failed.error == {
        "en": str(error),
        "zh": translate(error.message, "zh-CN", error.params),
    }
    assert (failed.counts, failed.rejected) == ((0, 0, 0, 0, 0), [])
    assert await office.all_rows() == before


@pytest.mark.requirement("A9")
async def test_a_file_of_100_mb_never_becomes_an_import(office):
    file_id = await office.keep("number,name\n1,A\n")
    async with office.databases.tenant_read(office.company.ref) as read:
        content_id = await read.fetchval("SELECT content_id FROM file WHERE id = $1", file_id)
    async with office.files.local_path(office.company.ref, content_id) as path:
        os.truncate(path, 100_000_000)
    viewer = await office.viewer()
    async with office.databases.tenant_write(office.company.ref) as write:
        import_id = await start_import(
            write,
            viewer,
            file_id=file_id,
            record="customer",
            mode="UPSERT",
            mapping=Mapping(),
            dry_run=False,
            clock=office.clock,
        )
    await office.work()
    failed = await office.outcome(import_id)
    assert (failed.state, failed.row["error_code"]) == ("FAILED", "FILE_TOO_LARGE")
    assert failed.error["en"] == "The file must be smaller than 100 MB. Please split it."


HEADER = "number,name,country,founded_on,employees,roles,direct,email,owner,phone"
GOOD = "C1,Alfreds Futterkiste,Germany,1952-12-01,12,BUYER,yes,a@customer.example,,030-0074321"
LONG = "x" * 201


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("row", "code", "reason"),
    [
        ("B,Short", "BROKEN_ROW", "This row has 2 cells, the header has 10."),
        ("B,Long,,,,,,,,,more", "BROKEN_ROW", "This row has 11 cells, the header has 10."),
        ('B,"open,,,,,,,,', "BROKEN_ROW", "A quotation mark is opened or closed in the wrong place."),
        (
            "B,=1+1,,,,,,,,",
            "FORMULA_CELL",
            "name: A formula cannot be imported. Please put its value in its place.",
        ),
        ("C1,Twice,,,,,,,,", "DUPLICATE_KEY", "number: Row 2 has the same key."),
        ("B,X,Atlantis,,,,,,,", "UNKNOWN_VALUE", "country: “Atlantis” is not a country."),
        ("B,X,,,,PIRATE,,,,", "UNKNOWN_VALUE", "roles: “PIRATE” is not one of the choices."),
        (
            "B,X,,,,,,,nobody@nowhere.example,",
            "NOT_FOUND",
            "owner: There is no record “nobody@nowhere.example”.",
        ),
        (f"B,{LONG},,,,,,,,", "TOO_LONG", "name: At most 200 characters are allowed here."),
        ("B,X,,1997-02-30,,,,,,", "INVALID_DATE", "founded_on: “1997-02-30” is not a date."),
        ("B,X,,30/02/1997,,,,,,", "INVALID_DATE", "founded_on: “30/02/1997” is not a date."),
        ("B,X,,,many,,,,,", "INVALID_NUMBER", "employees: “many” is not a number."),
        ("B,X,,,-1,,,,,", "OUT_OF_RANGE", "employees: This must lie between 0 and 10000000."),
        ("B,X,,,,,perhaps,,,", "INVALID_FLAG", "direct: This must be yes or no."),
        ("B,X,,,,,,no address,,", "INVALID_EMAIL", "email: This is not an e-mail address."),
        ("B,,,,,,,,,", "REQUIRED", "name: This must be filled in."),
        (",X,,,,,,,,", "REQUIRED", "number: This must be filled in."),
        (
            "B,X,Atlantis,soon,,,,,,",
            "UNKNOWN_VALUE; INVALID_DATE",
            "country: “Atlantis” is not a country.; founded_on: “soon” is not a date.",
        ),
    ],
    ids=lambda value: value.split(",")[0] if value.isupper() else "",
)
async def test_a_bad_row_is_rejected_with_its_reason_and_the_others_stand(office, row, code, reason):
    done = await office.imports("customer", f"{HEADER}\n{GOOD}\n{row}\n")
    assert (done.state, done.counts) == ("DONE", (1, 0, 0, 1, 0))
    assert done.reasons == {3: (code, reason)}
    customers = await office.rows("SELECT number, name, country, employees FROM customer")
    assert customers == [{"number": "C1", "name": "Alfreds Futterkiste", "country": "DE", "employees": 12}]


@pytest.mark.requirement("A9")
async def test_formulas_and_impossible_dates_of_a_workbook_are_rejected(office, tmp_path):
    path = sheet_of(
        tmp_path,
        [
            ["number", "name", "founded_on", "employees"],
            [1, "A", ("day", 19_329), 7],
            [2, "B", ("day", 60), 7],
            [3, "C", "", ("formula", "=3+4", 7)],
        ],
    )
    done = await office.imports("customer", path.read_bytes(), name="customers.xlsx")
    assert (done.state, done.counts, done.row["format"]) == ("DONE", (1, 0, 0, 2, 0), "XLSX")
    assert done.reasons == {
        3: ("INVALID_DATE", "founded_on: This is not a date."),
        4: ("FORMULA_CELL", "employees: A formula cannot be imported. Please put its value in its place."),
    }
    (row,) = await office.rows("SELECT number, name, founded_on::text, employees FROM customer")
    assert row == {"number": "1", "name": "A", "founded_on": "1952-12-01", "employees": 7}


@pytest.mark.requirement("A9")
async def test_the_file_of_rejected_rows_is_corrected_and_imported_as_it_is(office):
    bad = 'number,name,country\nC1,"Alfreds, Futterkiste",Atlantis\nC2,+86 Centre,China\nC3,=x,China\n'
    first = await office.imports("customer", bad)
    assert first.counts == (1, 0, 0, 2, 0)
    file_id = first.row["rejected_file_id"]
    text = (await office.content(file_id)).decode("utf-8-sig")
    assert text.splitlines() == [
        "Row number,number,name,country,Error code,Reason",
        '2,C1,"Alfreds, Futterkiste",Atlantis,UNKNOWN_VALUE,country: “Atlantis” is not a country.',
        "4,C3,'=x,China,FORMULA_CELL,name: A formula cannot be imported. Please put its value in its place.",
    ]
    corrected = text.replace("Atlantis", "Germany").replace("'=x", "Centro comercial")
    second = await office.imports("customer", "\ufeff" + corrected)
    assert second.counts == (2, 0, 0, 0, 0)
    names = await office.rows("SELECT number, name, country FROM customer ORDER BY number")
    assert [tuple(row.values()) for row in names] == [
        ("C1", "Alfreds, Futterkiste", "DE"),
        ("C2", "+86 Centre", "CN"),
        ("C3", "Centro comercial", "CN"),
    ]


@pytest.mark.requirement("A9", "T6")
async def test_reasons_are_in_the_language_of_whoever_imports(office):
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch("UPDATE member SET language = 'ZH_CN'")
    done = await office.imports("customer", "number,name,country\n1,X,Atlantis\n")
    (row,) = done.rejected
    assert row == {
        "行号": "2",
        "number": "1",
        "name": "X",
        "country": "Atlantis",
        "错误代码": "UNKNOWN_VALUE",
        "原因": "country: “Atlantis”不是有效的国家或地区。",
    }
    names = await office.rows("SELECT name FROM file ORDER BY created_at")
    assert names[-1]["name"].endswith(" - 被拒绝的行.csv")

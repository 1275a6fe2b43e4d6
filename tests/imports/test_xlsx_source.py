import datetime as dt
import zipfile

import openpyxl
import pytest
import xlsxwriter

from kedang_tenants.imports.errors import EmptyFile, FileTooLarge, UnknownFormat
from kedang_tenants.imports.source import open_source
from kedang_tenants.imports.xlsx_package import MAX_PART_BYTES


def sheet_of(tmp_path, rows, *, constant_memory=False):
    path = tmp_path / "file.xlsx"
    options = {"constant_memory": constant_memory, "strings_to_formulas": False}
    book = xlsxwriter.Workbook(path, options)
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    chinese = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
    moment = book.add_format({"num_format": "d/m/yy h:mm"})
    percent = book.add_format({"num_format": '0.00" kg (dry)"'})
    formats = {"day": day, "chinese": chinese, "moment": moment, "percent": percent}
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if isinstance(cell, tuple) and cell[0] == "formula":
                sheet.write_formula(y, x, cell[1], None, cell[2])
            elif isinstance(cell, tuple):
                sheet.write_number(y, x, cell[1], formats[cell[0]])
            else:
                sheet.write(y, x, cell)
    book.close()
    return path


def read(path):
    source = open_source(path)
    try:
        return source, list(source.rows())
    finally:
        source.close()


def cells(rows):
    return [list(row.cells) for row in rows]


@pytest.mark.parametrize("constant_memory", [True, False])  # strings in the cells, or shared
def test_cells_come_as_a_person_would_write_them(tmp_path, constant_memory):
    path = sheet_of(
        tmp_path,
        [
            ["name", "number", "price", "paid", "since", "at", "weight"],
            ["上海吉祥", 7, 18.4, True, ("day", 35065), ("moment", 35065.75), ("percent", 0.5)],
            ["Ü <&> x", 10_248.0, 0.1 + 0.2, False, ("chinese", 45292), ("moment", 1), ("percent", 1e-7)],
            ["=x", -3, 123456789012, "", ("day", 59), ("day", 61), 1.5e300],
        ],
        constant_memory=constant_memory,
    )
    source, rows = read(path)
    assert source.columns == ("name", "number", "price", "paid", "since", "at", "weight")
    assert cells(rows)[:2] == [
        ["上海吉祥", "7", "18.4", "true", "1996-01-01", "1996-01-01 18:00:00", "0.5"],
        ["Ü <&> x", "10248", "0.3", "false", "2024-01-01", "1900-01-01", "0.0000001"],
    ]
    assert cells(rows)[2][:6] == ["=x", "-3", "123456789012", "", "1900-02-28", "1900-03-01"]
    assert rows[2].faults == {}


@pytest.mark.requirement("A9")
def test_a_formula_is_told_whatever_value_was_stored_for_it(tmp_path):
    path = sheet_of(tmp_path, [["name", "n"], ["A", ("formula", "=1+1", 2)], ["B", 3]])
    _, rows = read(path)
    assert [{n: fault.code for n, fault in row.faults.items()} for row in rows] == [{1: "FORMULA_CELL"}, {}]


def test_a_formula_saved_by_another_program_is_told_too(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["name", "n"])
    book.active.append(["A", "=SUM(B3:B4)"])
    path = tmp_path / "other.xlsx"
    book.save(path)
    _, rows = read(path)
    assert rows[0].faults[1].code == "FORMULA_CELL"


@pytest.mark.requirement("A9")
@pytest.mark.parametrize("serial", [60, 0, -1, 2_958_466, 1e12])
def test_a_day_that_no_calendar_has_is_told(tmp_path, serial):
    path = sheet_of(tmp_path, [["since"], [("day", serial)]])
    _, rows = read(path)
    assert rows[0].faults[0].code == "INVALID_DATE"


def test_days_of_1904_workbooks_are_read_by_their_own_epoch(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["since"])
    book.active.append([dt.date(1997, 5, 6)])
    path = tmp_path / "mac.xlsx"
    book.save(path)
    assert cells(read(path)[1]) == [["1997-05-06"]]


def test_gaps_blank_rows_and_cells_beyond_the_header_are_no_rows(tmp_path):
    path = tmp_path / "gaps.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write(2, 0, "name")
    sheet.write(2, 2, "city")
    sheet.write(5, 2, "Graz")
    sheet.write(9, 0, "A")
    sheet.write(9, 7, "beyond")
    sheet.write_formula(9, 8, "=1")
    book.close()
    source, rows = read(path)
    assert source.columns == ("name", "#2", "city")
    assert [(row.line, list(row.cells), dict(row.faults)) for row in rows] == [
        (6, ["", "", "Graz"], {}),
        (10, ["A", "", ""], {}),
    ]


def test_the_first_visible_sheet_is_read(tmp_path):
    path = tmp_path / "sheets.xlsx"
    book = xlsxwriter.Workbook(path)
    hidden, shown = book.add_worksheet("old"), book.add_worksheet("new")
    hidden.write(0, 0, "wrong")
    hidden.hide()
    shown.write(0, 0, "right")
    shown.activate()
    shown.set_first_sheet()
    book.close()
    assert read(path)[0].columns == ("right",)


def test_an_empty_workbook_is_refused(tmp_path):
    with pytest.raises(EmptyFile):
        read(sheet_of(tmp_path, []))


def rewritten(path, part, change):
    """The workbook with one part of it replaced."""
    other = path.with_name("rewritten.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            new.writestr(item.filename, change(content) if item.filename == part else content)
    return other


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda content: content[:-40]),
        ("xl/worksheets/sheet1.xml", lambda content: content.replace(b'r="A2"', b'r="2A"')),
        ("xl/worksheets/sheet1.xml", lambda content: content.replace(b"<v>0</v>", b"<v>7000</v>")),
        ("xl/worksheets/sheet1.xml", lambda content: content.replace(b'<row r="2"', b'<row r="1"')),
        ("xl/worksheets/sheet1.xml", lambda content: content.replace(b'<row r="2"', b'<row r="99999999"')),
        (
            "xl/worksheets/sheet1.xml",
            lambda content: content.replace(b'<c r="A2"', b'<c x="' + b"y" * 3_000_000 + b'" r="A2"'),
        ),
        ("xl/workbook.xml", lambda content: b"<workbook/>"),
        ("xl/_rels/workbook.xml.rels", lambda content: b"<Relationships/>"),
        (
            "xl/sharedStrings.xml",
            lambda content: b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>',
        ),
    ],
)
def test_a_damaged_workbook_is_refused(tmp_path, part, change):
    path = sheet_of(tmp_path, [["name"], ["A"]])
    with pytest.raises(UnknownFormat) as refused:
        read(rewritten(path, part, change))
    assert refused.value.code == "UNKNOWN_FORMAT"


def test_a_cell_without_end_is_told_and_not_kept(tmp_path):
    path = sheet_of(tmp_path, [["name", "n"], ["A", 7], ["B", 8]])
    endless = b"<v>" + b"7" * 50_000_000 + b"</v>"
    _, rows = read(rewritten(path, "xl/worksheets/sheet1.xml", lambda old: old.replace(b"<v>7</v>", endless)))
    assert {n: fault.code for n, fault in rows[0].faults.items()} == {1: "TOO_LONG"}
    assert len(rows[0].cells[1]) < 1_000_000
    assert list(rows[1].cells) == ["B", "8"]


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "archive.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UnknownFormat):
        read(path)
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(UnknownFormat):
        read(path)


def test_a_workbook_that_unpacks_without_end_is_refused(tmp_path):
    path = sheet_of(tmp_path, [["name"], ["A"]])
    bomb = rewritten(path, "xl/sharedStrings.xml", lambda content: b" " * (MAX_PART_BYTES + 1))
    with pytest.raises(FileTooLarge):
        read(bomb)

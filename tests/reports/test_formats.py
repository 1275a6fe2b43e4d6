"""What the formats make of any report: types, totals, charts, pages, fonts; nothing in them runs."""

import re
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pypdf
import pytest
from pypdf.generic import ContentStream

from kedang_platform.documents import FOLDER, FontsMissing, ensure_fonts
from kedang_tenants.reports.document import (
    Chart,
    Column,
    Document,
    Series,
    Sheet,
    Words,
    load,
    rows_of,
    save,
)
from kedang_tenants.reports.spool import Folder
from kedang_tenants.reports.writers import csv, pdf, xlsx
from kedang_tenants.reports.writers.chart import draw
from kedang_tenants.reports.writers.colours import ink_on

NASTY = (
    "=SUM(A1:A9)",
    "+1",
    "-2+3",
    "@ref",
    "\t=x",
    "http://x.example",
    "{=1}",
    "#strong[b] *x* $y$ @z <b> \\",
)
COLUMNS = (
    Column("Name", width=30),
    Column("等级", "LEVEL"),
    Column("Count", "COUNT"),
    Column("Share", "SHARE"),
    Column("Yen", "MONEY", currency="JPY"),
    Column("Yuan", "MONEY", currency="CNY"),
    Column("Mean", "NUMBER"),
    Column("Day", "DAY"),
)
ROW = ["上海龙腾科技有限公司", "A", 1234, 0.25, 1500, -123456789, 4.5, "2026-02-28"]


async def quiet(_done: int, _total: int | None) -> None:
    pass


def document(folder: Path, rows, *, charts=(), totals=None, title="客户等级报表") -> Document:
    table = Folder(folder, quiet).table(rows)
    sheet = Sheet("清单 [1/2]", COLUMNS, table.name, table.count, totals, main=True, long=True)
    made = Document(
        title=title,
        company="龙腾 & Co. #bad[",
        language="zh-CN",
        facts=(("统计期间", "2026-01-01 至 2026-02-28"),),
        notes=("金额不跨币种相加。",),
        sheets=(sheet,),
        charts=charts,
        words=Words("摘要", "合计", "第 {page} 页，共 {pages} 页", "仅在 XLSX 和 CSV 文件中的行数：{count}"),
        colours={"A": "#c0392b", "无等级": "#9aa5b1"},
    )
    save(made, folder)
    assert load(folder) == made
    return made


CHART = Chart(
    "各等级客户",
    "客户",
    ("A", "B"),
    (Series("客户", "#c0392b", (2.0, 1.0)),),
    colours=("#c0392b", "#d35400"),
)


@pytest.mark.requirement("R2")
def test_a_workbook_has_types_formats_totals_and_a_chart(tmp_path):
    totals = ("合计", None, 1234, 1.0, 1500, -123456789, None, None)
    made = document(tmp_path, [ROW, [None] * 8], charts=(CHART,), totals=totals)
    target = tmp_path / "report.xlsx"
    xlsx.write(made, tmp_path, target)
    book = openpyxl.load_workbook(target)
    assert book.sheetnames == ["摘要", "清单 (1／2)"]
    sheet = book.worksheets[1]
    values = [cell.value for cell in sheet[2]]
    assert values == [ROW[0], "A", 1234, 0.25, 1500, -1234567.89, 4.5, datetime.fromisoformat("2026-02-28")]
    formats = [cell.number_format for cell in sheet[2]]
    assert formats[2:] == [
        "#,##0",
        "0.0%",
        "#,##0;[Red]-#,##0",
        "#,##0.00;[Red]-#,##0.00",
        "#,##0.00",
        "yyyy-mm-dd",
    ]
    assert sheet["B2"].fill.fgColor.rgb == "FFC0392B"
    assert [cell.value for cell in sheet[4]] == ["合计", None, 1234, 1, 1500, -1234567.89, None, None]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows) == ("A2", "A1:H3", "$1:$1")
    with zipfile.ZipFile(target) as package:
        chart = package.read("xl/charts/chart1.xml").decode()
    assert "'摘要'!$B$9:$B$10" in chart or "摘要!$B$9:$B$10" in chart


@pytest.mark.requirement("R2")
def test_an_amount_that_no_spreadsheet_can_hold_is_written_as_the_amount_it_is(tmp_path):
    made = document(tmp_path, [[*ROW[:5], 2**60 + 1, *ROW[6:]]])
    xlsx.write(made, tmp_path, tmp_path / "report.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx").worksheets[1]
    assert sheet.cell(2, 6).value == "11529215046068469.77"


@pytest.mark.requirement("R2")
def test_two_of_one_name_are_two_bars(tmp_path):
    bars = (Series("客户", "#2563eb", (2.0, 1.0, 3.0)),)
    drawn = draw(Chart("客户", "客户", ("Li", "Li", "An"), bars), FOLDER)
    assert ">Li<" in drawn
    assert ">Li (2)<" in drawn


@pytest.mark.requirement("R2")
def test_nothing_that_people_wrote_runs_in_a_workbook_or_a_csv(tmp_path):
    made = document(tmp_path, [[text, *ROW[1:]] for text in NASTY])
    target = tmp_path / "report.xlsx"
    xlsx.write(made, tmp_path, target)
    sheet = openpyxl.load_workbook(target).worksheets[1]
    cells = [sheet.cell(row + 2, 1) for row in range(len(NASTY))]
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in cells] == [
        (text, "s", None) for text in NASTY
    ]
    with zipfile.ZipFile(target) as package:
        assert not any(b"<f>" in package.read(name) for name in package.namelist() if "sheets/" in name)
    csv.write(made, tmp_path, tmp_path / "report.csv")
    lines = (tmp_path / "report.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [
        "'=SUM(A1:A9)",
        "'+1",
        "'-2+3",
        "'@ref",
        "'\t=x",
        "http://x.example",
        "{=1}",
        "#strong[b] *x* $y$ @z <b> \\",
    ]
    assert lines[1].split(",")[2:] == ["1234", "0.250000", "1500", "-1234567.89", "4.500000", "2026-02-28"]
    assert (tmp_path / "report.csv").read_bytes()[:3] == b"\xef\xbb\xbf"


def missing_glyphs(reader: pypdf.PdfReader) -> int:
    """How often a glyph 0 (.notdef) is shown by any font, in pages and in what they draw."""
    found = 0
    for page in reader.pages:
        contents = [ContentStream(page.get_contents(), reader)]
        forms = page["/Resources"].get("/XObject", {})
        contents += [ContentStream(form.get_object(), reader) for form in forms.values()]
        for content in contents:
            for operands, operator in content.operations:
                if operator in {b"Tj", b"TJ"}:
                    found += sum(_notdefs(part) for part in _strings(operands[0]))
    return found


def _strings(operand) -> list[bytes]:
    parts = operand if isinstance(operand, list) else [operand]
    return [part.original_bytes for part in parts if hasattr(part, "original_bytes")]


def _notdefs(shown: bytes) -> int:
    codes = [shown[n : n + 2] for n in range(0, len(shown), 2)]
    return codes.count(b"\x00\x00")


def fonts(reader: pypdf.PdfReader) -> set[str]:
    """The fonts of the pages; each has its file inside."""
    found = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = descendant["/FontDescriptor"].get_object()
            assert any(key in descriptor for key in ("/FontFile2", "/FontFile3"))
            found.add(descendant["/BaseFont"].split("+")[-1])
    return found


@pytest.mark.requirement("R2")
def test_a_pdf_says_chinese_with_its_own_font_and_no_glyph_missing(tmp_path):
    made = document(tmp_path, [[text, *ROW[1:]] for text in (ROW[0], *NASTY)], charts=(CHART,))
    pdf.write(made, tmp_path, tmp_path / "report.pdf")
    reader = pypdf.PdfReader(tmp_path / "report.pdf")
    text = "\n".join(page.extract_text() for page in reader.pages)
    for wanted in (
        "客户等级报表",
        "龙腾 & Co. #bad[",
        "上海龙腾科技有限公司",
        "各等级客户",
        "金额不跨币种相加。",
        "第 1 页，共 2 页",
        "=SUM(A1:A9)",
        "#strong[b] *x* $y$ @z <b> \\",
        "-1,234,567.89",
        "1,500",
        "25.0%",
    ):
        assert wanted in text, (wanted, text)
    assert all("NotoSansSC" in name for name in fonts(reader)), fonts(reader)
    assert missing_glyphs(reader) == 0
    assert reader.metadata.title == "客户等级报表"


def test_the_search_for_missing_glyphs_finds_one(tmp_path):
    made = document(tmp_path, [["\N{RUNIC LETTER FEHU FEOH FE F}", *ROW[1:]]])
    pdf.write(made, tmp_path, tmp_path / "report.pdf")
    assert missing_glyphs(pypdf.PdfReader(tmp_path / "report.pdf")) == 1


@pytest.mark.requirement("R2")
def test_a_long_table_repeats_its_heading_and_says_how_many_rows_it_leaves_out(tmp_path):
    rows = [[f"客户 {n}", *ROW[1:]] for n in range(pdf.MOST_ROWS + 1_234)]
    made = document(tmp_path, rows)
    pdf.write(made, tmp_path, tmp_path / "report.pdf")
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "report.pdf").pages]
    assert len(pages) > 5
    assert all("Yuan" in page for page in pages[1:])
    assert [f"第 {n} 页，共 {len(pages)} 页" in page for n, page in enumerate(pages, 1)] == [True] * len(
        pages
    )
    text = "\n".join(pages)
    assert f"客户 {pdf.MOST_ROWS - 1}" in text
    assert f"客户 {pdf.MOST_ROWS}\n" not in text
    assert "仅在 XLSX 和 CSV 文件中的行数：1,234" in pages[-1]


def test_columns_take_their_values_from_where_they_stand_in_a_row(tmp_path):
    table = Folder(tmp_path, quiet).table([["a", "b", "c"], ["d"]])
    columns = (Column("1", place=2), Column("2", place=0))
    assert list(rows_of(Sheet("x", columns, table.name, table.count), tmp_path)) == [["c", "a"], [None, "d"]]


def test_without_fonts_there_is_no_pdf(tmp_path):
    with pytest.raises(FontsMissing, match="make web") as refused:
        ensure_fonts(tmp_path)
    assert refused.value.code == "FONTS_MISSING"


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#000000", "#ffffff"), ("#ffffff", "#1f2933"), ("#c0392b", "#ffffff"), ("#d9c04a", "#1f2933")],
)
def test_what_stands_on_a_colour_can_be_read(colour, ink):
    assert ink_on(colour) == ink


def counted(*values, **shape):
    """A chart of customers by month."""
    months = tuple(f"{number}月" for number, _ in enumerate(values, start=1))
    return Chart("各月客户数", "客户", months, (Series("客户", "#2563eb", values),), **shape)


def axis_of(folder: Path, chart: Chart) -> str:
    """The axis of values in the workbook's first chart."""
    target = folder / "report.xlsx"
    xlsx.write(document(folder, [ROW], charts=(chart,)), folder, target)
    with zipfile.ZipFile(target) as package:
        drawn = package.read("xl/charts/chart1.xml").decode()
    return drawn[drawn.index("<c:valAx>") :]


@pytest.mark.requirement("R2")
@pytest.mark.parametrize(
    ("values", "step", "to_one"),
    [((1, 2), True, False), ((0, 0), True, True), ((4000, 7), False, False)],
    ids=["few", "none", "many"],
)
def test_an_axis_of_few_things_goes_up_in_whole_steps(tmp_path, values, step, to_one):
    axis = axis_of(tmp_path, counted(*values))
    assert ('<c:majorUnit val="1"/>' in axis) is step
    assert ('<c:max val="1"/>' in axis) is to_one


def test_how_many_are_stacked_is_what_counts_for_the_steps(tmp_path):
    bars = tuple(Series(name, "#2563eb", (6, None)) for name in ("one", "other"))
    axis = axis_of(tmp_path, Chart("Stacked", "Customers", ("a", "b"), bars, stacked=True))
    assert "majorUnit" not in axis


@pytest.mark.requirement("R2")
def test_figures_under_a_chart_have_digits_only_where_they_need_them(tmp_path):
    target = tmp_path / "report.xlsx"
    xlsx.write(document(tmp_path, [ROW], charts=(counted(3, 2.5),)), tmp_path, target)
    cells = [row[1] for row in openpyxl.load_workbook(target).worksheets[0].iter_rows() if len(row) > 1]
    shapes = {cell.value: cell.number_format for cell in cells if isinstance(cell.value, int | float)}
    assert shapes == {3: "#,##0", 2.5: "#,##0.00"}


@pytest.mark.requirement("R2")
@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ((0, 0), ["0", "1"]),
        ((1, None), ["0", "1"]),
        ((2, 1), ["0", "1", "2"]),
        ((-2, 1), ["−2", "−1", "0", "1"]),
        ((7, 1), [str(step) for step in range(8)]),
    ],
    ids=str,
)
def test_a_drawn_axis_of_few_things_goes_up_in_whole_steps_from_its_zero(tmp_path, values, steps):
    texts = re.findall(r">([^<>]+)</text>", draw(counted(*values), tmp_path))
    assert [text for text in texts if text.lstrip("−").replace(".", "").isdecimal()] == steps


@pytest.mark.requirement("R2")
@pytest.mark.parametrize(("charts", "across"), [((), True), ((CHART,), False)], ids=["tables", "charts"])
def test_a_report_that_opens_with_a_wide_table_has_it_on_its_first_page(tmp_path, charts, across):
    made = document(tmp_path, [ROW] * 20, charts=charts)
    pdf.write(made, tmp_path, tmp_path / "report.pdf")
    first = pypdf.PdfReader(tmp_path / "report.pdf").pages[0]
    assert (first.mediabox.width > first.mediabox.height) is across
    assert (ROW[0] in first.extract_text()) is across


def test_bars_beside_each_other_stand_in_the_order_of_their_series(tmp_path):
    series = (Series("zweite", "#2563eb", (1, 2)), Series("erste", "#2e9e6b", (3, 4)))
    drawn = draw(Chart("x", "y", ("a", "b"), series), tmp_path)
    assert drawn.index("#2563eb") < drawn.index("#2e9e6b")
    bars = re.findall(r'transform="[^"]*"|d="M(\d+(?:\.\d+)?),[^"]*" fill="(#2563eb|#2e9e6b)"', drawn)
    places = {colour: float(place) for place, colour in reversed(bars) if colour}
    assert places["#2563eb"] < places["#2e9e6b"]

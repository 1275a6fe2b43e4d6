"""Screen, workbook and CSV say the same of every kind of report: by construction, and held against each other."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from kedang_platform.errors import Forbidden
from kedang_platform.money import to_amount
from kedang_tenants.reports.dashboard import MOST_ROWS, Dashboard
from kedang_tenants.reports.document import save
from kedang_tenants.reports.gathering import Question, Reader, work_out
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.models import REPORTS
from kedang_tenants.reports.schedule import Span
from kedang_tenants.reports.spool import Folder
from kedang_tenants.reports.writers import csv as csv_writer
from kedang_tenants.reports.writers import xlsx
from tests.reports.filling import fill

SPAN = Span(date(2026, 1, 1), date(2026, 3, 31))


async def quiet(_done, _total) -> None:
    pass


@pytest.fixture
async def full(world):
    await fill(world)
    return world


def question(world, kind: str) -> Question:
    return Question(kind, SPAN, questionnaire_id=world.questionnaire if kind == "SURVEY_ANALYSIS" else None)


async def reader_of(world, name: str) -> Reader:
    return Reader(await world.viewer(name), "en", "Northwind", name)


async def on_paper(world, asked: Question, reader: Reader, folder):
    """The sheets of the workbook and the lines of the CSV, by the writers that make the files."""
    folder.mkdir()
    shop = world.shop
    async with shop.databases.tenant_read(shop.company.ref) as read:
        document = await work_out(read, asked, reader, now=shop.clock.now(), spool=Folder(folder, quiet))
    save(document, folder)
    xlsx.write(document, folder, folder / "report.xlsx")
    csv_writer.write(document, folder, folder / "report.csv")
    book = openpyxl.load_workbook(folder / "report.xlsx")
    sheets = [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets[1:]]
    lines = list(csv.reader(io.StringIO((folder / "report.csv").read_bytes().decode("utf-8-sig"))))
    return sheets, lines


def in_a_cell(column, value):
    """What a cell of a workbook has to hold for a value on the screen."""
    if value is None or value == "":
        return None
    if column.kind == "DAY":
        return datetime.fromisoformat(value) if value[:1].isdigit() else value
    if column.kind == "MONEY":
        return float(to_amount(minor=value, currency=column.currency)) if isinstance(value, int) else value
    return value


def as_written(cell: str) -> str:
    """Texts that begin as formulas do stand behind a mark."""
    return f"'{cell}" if cell.startswith(("=", "+", "@")) else cell


@pytest.mark.requirement("R3", "R2", "R1")
async def test_screen_workbook_and_csv_say_the_same_of_every_kind(full, tmp_path):
    assert set(KINDS) == {option.code for option in REPORTS}
    dashboard = Dashboard(full.shop.databases, full.shop.clock)
    reader = await reader_of(full, "fuller")
    for kind in KINDS:
        asked = question(full, kind)
        found = await dashboard.figures(asked, reader, oldest=timedelta(0))
        assert found.as_of == full.shop.clock.now()
        sheets, lines = await on_paper(full, asked, reader, tmp_path / kind)
        assert len(sheets) == len(found.document.sheets), kind
        told = 0
        for cells, sheet in zip(sheets, found.document.sheets, strict=True):
            rows = [*found.rows_of(sheet), *([list(sheet.totals)] if sheet.totals else [])]
            expected = [
                [in_a_cell(c, value) for c, value in zip(sheet.columns, row, strict=True)] for row in rows
            ]
            assert cells == [[c.label for c in sheet.columns], *expected], (kind, sheet.title)
            told += sheet.count
        assert told, f"{kind} has nothing to tell in this world"
        main = found.document.main
        assert lines[0] == [column.label for column in main.columns]
        assert lines[1:] == [
            [as_written(csv_writer.text_of(c, value)) for c, value in zip(main.columns, row, strict=True)]
            for row in found.rows_of(main)
        ], kind


@pytest.mark.requirement("R3")
async def test_figures_are_remembered_for_a_while_with_their_age_and_for_nobody_else(full):
    shop = full.shop
    dashboard = Dashboard(shop.databases, shop.clock)
    asked, reader = question(full, "CUSTOMER_LIST"), await reader_of(full, "fuller")
    first = await dashboard.figures(asked, reader, oldest=timedelta(minutes=1))
    await shop.create("customer", number="C9", name="Another", internally=True)
    shop.clock.move(timedelta(seconds=59))
    again = await dashboard.figures(asked, reader, oldest=timedelta(hours=1))
    assert (again.as_of, again.document) == (first.as_of, first.document)
    fresh = await dashboard.figures(asked, reader, oldest=timedelta(seconds=30))
    assert fresh.as_of == shop.clock.now()
    other = await dashboard.figures(asked, await reader_of(full, "davolio"), oldest=timedelta(minutes=1))
    customers = [found.document.sheets[0].totals[1] for found in (first, fresh, other)]
    assert customers == [6, 7, 2]


@pytest.mark.requirement("R3", "A11")
@pytest.mark.parametrize(
    ("name", "kind"),
    [("callahan", "VISITS"), ("callahan", "SERVICE_QUALITY")],
)
async def test_who_may_not_read_it_sees_no_figures(world, name, kind):
    dashboard = Dashboard(world.shop.databases, world.shop.clock)
    with pytest.raises(Forbidden):
        await dashboard.figures(question(world, kind), await reader_of(world, name), oldest=timedelta(0))


async def test_a_glance_holds_the_first_rows_and_says_how_many_there_are(world):
    shop = world.shop
    rows = [{"number": f"N{n}", "name": f"Many {n}"} for n in range(MOST_ROWS + 5)]
    await shop.create_many("customer", rows)
    dashboard = Dashboard(shop.databases, shop.clock)
    found = await dashboard.figures(
        question(world, "CUSTOMER_LIST"), await reader_of(world, "fuller"), oldest=timedelta(0)
    )
    listed = found.document.sheets[-1]
    assert (len(found.rows_of(listed)), listed.count) == (MOST_ROWS, MOST_ROWS + 5 + 6)
    assert datetime.now(UTC) > found.as_of

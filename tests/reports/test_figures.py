"""Every report against SQL of its own: the cells of workbook and CSV, and what the PDF says."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from kedang_platform.i18n import translate
from tests.reports.world import Made

PERIOD = {"period": "BETWEEN", "starts_on": date(2026, 1, 1), "ends_on": date(2026, 2, 28)}
FEBRUARY = {**PERIOD, "starts_on": date(2026, 2, 1)}
EVERYTHING = ("XLSX", "PDF", "CSV")

# Written for this test: straight over the tables, by owner, with nothing of the product's in it.
SALES = """
WITH sold AS (
    SELECT customer_id, currency, total, ordered_on FROM sales_order
    WHERE state IN ('OPEN', 'DELIVERED') AND ordered_on <= $2 AND archived_at IS NULL
)
SELECT c.number, c.name, m.name AS owner, l.code,
       (SELECT max(g.graded_at) FROM customer_grade g WHERE g.customer_id = c.id AND g.current) AS since,
       (SELECT sum(total) FROM sold WHERE customer_id = c.id AND currency = 'USD' AND ordered_on >= $1) AS usd,
       (SELECT sum(total) FROM sold WHERE customer_id = c.id AND currency = 'EUR' AND ordered_on >= $1) AS eur,
       (SELECT count(*) FROM sold WHERE customer_id = c.id AND ordered_on >= $1) AS orders,
       (SELECT max(ordered_on) FROM sold WHERE customer_id = c.id) AS last, c.next_follow_up_on AS next
FROM customer c JOIN grade_level l ON l.id = c.grade_level_id LEFT JOIN member m ON m.id = c.owner_id
WHERE c.archived_at IS NULL AND ($3::uuid[] IS NULL OR c.owner_id = ANY($3))
ORDER BY l.position, usd DESC NULLS LAST, c.name_sort
"""


def amount(minor) -> Decimal:
    return Decimal(minor or 0) / 100


def as_date(value):
    return value.date() if isinstance(value, datetime) else value


def exact(cell) -> Decimal:
    return Decimal(str(cell))


def same_sales(made: Made, rows: list[dict], title: str = "Customers") -> None:
    """The list of a workbook says what SQL says."""
    heading, *cells, totals = made.sheet(title)
    assert heading[:5] == ["Number", "Name", "Owner", "Grade", "Grade since"]
    has_eur = "Sales (EUR)" in heading
    whole = sum(row["usd"] or 0 for row in rows)
    assert len(cells) == len(rows)
    for found, row in zip(cells, rows, strict=True):
        told = dict(zip(heading, found, strict=True))
        assert (told["Number"], told["Name"], told["Owner"], told["Grade"]) == (
            row["number"],
            row["name"],
            row["owner"],
            row["code"],
        )
        assert as_date(told["Grade since"]) == row["since"].date()
        assert exact(told["Sales (USD)"]) == amount(row["usd"])
        if has_eur:
            assert told["Sales (EUR)"] == (float(amount(row["eur"])) if row["eur"] else None)
        assert told["Share of sales (USD)"] == pytest.approx(float((row["usd"] or 0) / whole), abs=1e-6)
        assert told["Orders"] == row["orders"]
        assert (as_date(told["Last order"]), as_date(told["Next follow-up"])) == (row["last"], row["next"])
    told = dict(zip(heading, totals, strict=True))
    assert (told["Number"], exact(told["Sales (USD)"])) == ("Total", amount(whole))
    assert told["Orders"] == sum(row["orders"] for row in rows)


@pytest.mark.requirement("R1", "R2")
async def test_customers_by_grade_as_workbook_csv_and_pdf(world):
    made = await world.made("fuller", "CUSTOMERS_BY_GRADE", formats=EVERYTHING, **PERIOD)
    rows = await world.shop.fetch(SALES, PERIOD["starts_on"], PERIOD["ends_on"], None)
    assert [row["number"] for row in rows] == ["C1", "C2", "C5", "C4", "C3", "C7"]
    same_sales(made, rows)

    csv = [dict(zip(made.csv[0], line, strict=True)) for line in made.csv[1:]]
    assert [(r["Number"], r["Grade"], r["Sales (USD)"], r["Orders"]) for r in csv] == [
        (row["number"], row["code"], f"{amount(row['usd']):.2f}", str(row["orders"])) for row in rows
    ]
    assert [r["Sales (EUR)"] for r in csv] == ["", "", "", "", "5000.05", ""]
    assert [r["Last order"] for r in csv] == [row["last"].isoformat() if row["last"] else "" for row in rows]

    text = made.text
    for row in rows:
        line = next(line for line in text.splitlines() if row["name"] in line or line == row["name"])
        assert line
        assert f"{amount(row['usd']):,.2f}" in text
    assert "2026-01-01 to 2026-02-28" in text
    assert f"{amount(sum(row['usd'] or 0 for row in rows)):,.2f}" in text


@pytest.mark.requirement("R1", "A11")
async def test_sums_by_grade_are_never_across_currencies(world):
    made = await world.made("king", "CUSTOMERS_BY_GRADE", **PERIOD)
    rows = await world.shop.fetch(SALES, PERIOD["starts_on"], PERIOD["ends_on"], None)
    heading, *grades, total = made.sheet("By grade")
    assert heading[0] == "Grade"
    assert heading[3:7] == ["Buying customers", "Orders", "Sales (USD)", "Sales (EUR)"]
    for cells in grades:
        mine = [row for row in rows if row["code"] == cells[0]]
        assert cells[1] == len(mine)
        assert cells[3:5] == [sum(row["orders"] > 0 for row in mine), sum(row["orders"] for row in mine)]
        assert exact(cells[5]) == amount(sum(row["usd"] or 0 for row in mine))
        assert exact(cells[6]) == amount(sum(row["eur"] or 0 for row in mine))
    assert [cells[0] for cells in grades] == ["A", "B", "C", "D", "E"]
    assert total[1] == len(rows)
    assert (exact(total[5]), exact(total[6])) == (Decimal("57501.11"), Decimal("5000.05"))
    # Whoever may take customers away gets the list; that they may not export orders changes no figure of it.
    same_sales(made, rows)


@pytest.mark.requirement("R1", "R2", "A11")
@pytest.mark.parametrize(
    ("name", "owners", "has_list"),
    [
        ("davolio", ["davolio"], False),
        ("buchanan", ["davolio", "buchanan", "king", "callahan", "onlooker"], True),
        ("callahan", None, False),
    ],
)
async def test_a_report_holds_what_its_asker_may_see(world, name, owners, has_list):
    ids = [world.people[owner] for owner in owners] if owners else None
    rows = await world.shop.fetch(SALES, PERIOD["starts_on"], PERIOD["ends_on"], ids)
    made = await world.made(name, "CUSTOMERS_BY_GRADE", formats=["XLSX", "CSV"], language="EN", **PERIOD)
    total = made.sheet("By grade")[-1]
    assert (total[0], total[1]) == ("Total", len(rows))
    assert exact(total[5]) == amount(sum(row["usd"] or 0 for row in rows))
    assert ("Customers" in made.book.sheetnames) is has_list
    if has_list:
        same_sales(made, rows)
    else:
        # Without the right to export customers: the figures, no names.
        assert made.csv[0][0] == "Grade"
        notes = [cells[0] for cells in made.sheet("Summary")]
        assert "The list of customers is left out: you may not export customers." in notes
    theirs = {"C1", "C2", "C3", "C4", "C5", "C7"} - {row["number"] for row in rows}
    names = {
        row["name"]
        for row in await world.shop.fetch("SELECT name FROM customer WHERE number = ANY($1)", list(theirs))
    }
    told = {cell for sheet in made.book.sheetnames for line in made.sheet(sheet) for cell in line}
    assert not names & told


async def test_a_report_can_be_limited_to_a_person_or_a_department(world):
    people = world.people
    one = await world.made("fuller", "CUSTOMERS_BY_GRADE", only_member_id=people["leverling"], **PERIOD)
    same_sales(
        one, await world.shop.fetch(SALES, PERIOD["starts_on"], PERIOD["ends_on"], [people["leverling"]])
    )
    both = await world.made(
        "fuller",
        "CUSTOMERS_BY_GRADE",
        only_department_id=world.department,
        formats=["CSV"],
        **PERIOD,
    )
    assert [line[0] for line in both.csv[1:]] == ["C1", "C2"]
    assert one.sheet("Summary")[5][:2] == ["Limited to", "Janet Leverling"]


MOVES = """
SELECT c.number, b.code AS before, a.code AS after, ga.graded_at,
       (gb.figures->>'value')::bigint AS value_before, (ga.figures->>'value')::bigint AS value_after
FROM customer c
LEFT JOIN customer_grade gb ON gb.id = (SELECT id FROM customer_grade g WHERE g.customer_id = c.id
     AND g.graded_at < $1 ORDER BY g.graded_at DESC LIMIT 1)
LEFT JOIN customer_grade ga ON ga.id = (SELECT id FROM customer_grade g WHERE g.customer_id = c.id
     AND g.graded_at < $2 ORDER BY g.graded_at DESC LIMIT 1)
LEFT JOIN grade_level b ON b.id = gb.level_id LEFT JOIN grade_level a ON a.id = ga.level_id
WHERE c.archived_at IS NULL AND ($3::uuid IS NULL OR c.owner_id = $3)
"""


@pytest.mark.requirement("R1", "R2", "G3")
async def test_grade_movement_as_workbook_csv_and_pdf_in_chinese(world):
    made = await world.made("fuller", "GRADE_MOVEMENT", formats=EVERYTHING, language="ZH_CN", **FEBRUARY)

    def zh(text: str) -> str:
        return translate(text, "zh-CN")

    start, end = (datetime.fromisoformat(f"{day}T00:00:00-05:00") for day in ("2026-02-01", "2026-03-01"))
    rows = {row["number"]: row for row in await world.shop.fetch(MOVES, start, end, None)}
    told = {n: (r["before"], r["after"]) for n, r in rows.items()}
    assert told == {
        "C1": ("A", "A"),
        "C2": ("D", "A"),
        "C3": ("B", "E"),
        "C4": ("E", "E"),
        "C5": ("E", "D"),
        "C7": (None, "E"),
    }
    heading, *cells = made.sheet(zh("Who moved"))
    found = {line[0]: dict(zip(heading, line, strict=True)) for line in cells}
    assert list(found) == ["C2", "C5", "C3", "C7"]
    for number, line in found.items():
        row = rows[number]
        assert line[zh("From grade")] == (row["before"] or zh("No grade"))
        assert line[zh("To grade")] == row["after"]
        assert exact(line[zh("Value now ({currency})").format(currency="USD")]) == amount(row["value_after"])
        before = line[zh("Value before ({currency})").format(currency="USD")]
        assert before is None if row["value_before"] is None else exact(before) == amount(row["value_before"])
        assert as_date(line[zh("Grade since")]) == row["graded_at"].date()
    movements = [found[number][zh("Movement")] for number in ("C2", "C5", "C3", "C7")]
    assert movements == [zh("Moved up"), zh("Moved up"), zh("Moved down"), zh("Newly graded")]
    counts = {line[0]: line[1] for line in made.sheet(zh("Movements"))[1:]}
    assert counts == {
        zh("Moved up"): 2,
        zh("Moved down"): 1,
        zh("Newly graded"): 1,
        zh("No longer graded"): 0,
        zh("Same grade"): 2,
        zh("Total"): 6,
    }
    matrix = made.sheet(zh("From grade to grade"))
    expected = {}
    for before, after in told.values():
        expected[before, after] = expected.get((before, after), 0) + 1
    levels = ["A", "B", "C", "D", "E", None]
    for line, before in zip(matrix[1:-1], levels, strict=True):
        assert line[1:-1] == [expected.get((before, after), 0) for after in levels]
    assert matrix[-1][-1] == 6
    assert [line[0] for line in made.csv[1:]] == list(found)
    text = made.text
    assert "新客户" in text
    assert "北京" not in text  # C4 did not move
    assert all(f"{amount(rows[n]['value_after']):,.2f}" in text for n in found)

    mine = await world.made("davolio", "GRADE_MOVEMENT", language="EN", **FEBRUARY)
    assert mine.sheet("Movements")[-1][1] == 2
    assert "Who moved" not in mine.book.sheetnames


COMPLIANCE = """
SELECT m.name, l.code, to_char(p.due_on, 'YYYY-MM') AS month,
       sum((p.state = 'DONE' AND p.done_on <= p.due_on)::int) AS on_time,
       sum((p.state = 'DONE' AND p.done_on > p.due_on)::int) AS late,
       sum((p.state = 'PLANNED' AND p.due_on < '2026-03-02')::int) AS overdue,
       sum((p.state = 'PLANNED' AND p.due_on >= '2026-03-02')::int) AS ahead
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id JOIN member m ON m.id = p.owner_id
LEFT JOIN grade_level l ON l.id = c.grade_level_id
WHERE p.state IN ('DONE', 'PLANNED') AND c.archived_at IS NULL AND p.archived_at IS NULL
  AND p.due_on BETWEEN '2026-01-01' AND '2026-03-02' AND ($1::uuid IS NULL OR p.owner_id = $1)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
QUARTER = {"period": "BETWEEN", "starts_on": date(2026, 1, 1), "ends_on": date(2026, 3, 2)}


def compliance(rows) -> list:
    """Due, on time, late, overdue, compliance, ahead."""
    on_time, late, overdue, ahead = (
        sum(row[name] for row in rows) for name in ("on_time", "late", "overdue", "ahead")
    )
    due = on_time + late + overdue
    return [due, on_time, late, overdue, round(on_time / due, 6) if due else None, ahead]


@pytest.mark.requirement("R1", "F1")
async def test_follow_up_compliance_by_person_grade_and_month(world):
    made = await world.made("fuller", "FOLLOW_UP_COMPLIANCE", formats=EVERYTHING, **QUARTER)
    rows = await world.shop.fetch(COMPLIANCE, None)
    assert {name for row in rows for name in ("on_time", "late", "overdue", "ahead") if row[name]} == {
        "on_time",
        "late",
        "overdue",
        "ahead",
    }
    cells = made.sheet("By person, grade and month")[1:-1]
    assert cells == [[row["name"], row["code"], row["month"], *compliance([row])] for row in rows]
    for title, key in (("By person", "name"), ("By grade", "code"), ("By month", "month")):
        found = made.sheet(title)
        assert [line[0] for line in found[1:-1]] == sorted({row[key] for row in rows})
        for line in found[1:-1]:
            assert line[1:] == compliance([row for row in rows if row[key] == line[0]])
        assert found[-1] == ["Total", *compliance(rows)]
    assert [line[3] for line in made.csv[1:]] == [str(line[3]) for line in cells]
    text = made.text
    total = compliance(rows)
    assert f"{total[4]:.1%}" in text
    assert all(row["month"] in text and row["name"] in text for row in rows)

    mine = await world.made("davolio", "FOLLOW_UP_COMPLIANCE", language="EN", **QUARTER)
    own = await world.shop.fetch(COMPLIANCE, world.people["davolio"])
    assert [line[0] for line in mine.sheet("By person")] == ["Person", "Nancy Davolio", "Total"]
    assert mine.sheet("By person")[1][1:] == compliance(own)


@pytest.mark.requirement("R1")
async def test_compliance_is_by_the_grades_that_stand_on_customers_whichever_scheme_is_named(world):
    other = await world.shop.create("grade_scheme", name="By potential")
    usual = await world.made("fuller", "FOLLOW_UP_COMPLIANCE", **QUARTER)
    named = await world.made("fuller", "FOLLOW_UP_COMPLIANCE", scheme_id=other, **QUARTER)
    assert named.sheet("By grade") == usual.sheet("By grade")
    assert {line[0] for line in usual.sheet("By grade")[1:-1]} > {"A"}

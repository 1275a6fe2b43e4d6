"""Visits, service, freshness, digest, contracts and maintenance against SQL and lists of their own; everybody's rights."""

from datetime import date, timedelta

import pytest

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import translate
from kedang_tenants.reports.dashboard import Dashboard
from kedang_tenants.reports.gathering import Question, Reader
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.schedule import Span
from tests.reports.filling import OWNED, PLANS, RECORDS, REQUESTS, fill

SPAN = Span(date(2026, 1, 1), date(2026, 3, 31))
TODAY = date(2026, 3, 2)


@pytest.fixture
async def full(world):
    await fill(world)
    return world


async def told(world, name: str, kind: str, *, language: str = "en", span: Span = SPAN, **parameters):
    """The sheets as somebody sees them, by their titles, and the notes."""
    dashboard = Dashboard(world.shop.databases, world.shop.clock)
    reader = Reader(await world.viewer(name), language, "", "")
    asked = Question(
        kind,
        span,
        questionnaire_id=world.questionnaire if kind == "SURVEY_ANALYSIS" else None,
        parameters=parameters,
    )
    found = await dashboard.figures(asked, reader, oldest=timedelta(0))
    sheets = {
        sheet.title: [*found.rows_of(sheet), *([list(sheet.totals)] if sheet.totals else [])]
        for sheet in found.document.sheets
    }
    return sheets, found.document


NAMES = {"davolio": "Nancy Davolio", "leverling": "Janet Leverling"}


@pytest.mark.requirement("R1", "F2")
async def test_visits_service_freshness_digest_and_what_comes_due(full):
    await visits(full)
    await service(full)
    await freshness(full)
    await digest(full)
    await due(full)
    await customers(full)
    await profit(full)
    await ageing(full)


async def visits(world) -> None:
    sheets, document = await told(world, "fuller", "VISITS")
    plans = [plan for plan in PLANS if plan[0] != "C6" and plan[2] >= "2026"]
    made = [one for one in RECORDS if one[3] == "VISIT"]
    for line in sheets["By person"][:-1]:
        owner = next(short for short, name in NAMES.items() if name == line[0])
        mine = [plan for plan in plans if plan[1] == owner]
        living = [plan for plan in mine if plan[3] != "CANCELLED"]
        done = [plan for plan in living if plan[3] == "DONE"]
        seen = [one for one in made if one[1] == owner]
        assert line[1:] == [
            len(living),
            len(done),
            sum(plan[4] <= plan[2] for plan in done),
            sum(plan[3] == "PLANNED" for plan in living),
            round(len(done) / len(living), 6),
            len(mine) - len(living),
            len(seen),
            sum(one[4] for one in seen),
            len(seen),  # none of them has a plan
        ], owner
    assert sheets["By person"][-1][1:3] == [3, 2]
    assert [line[0] for line in sheets["By month"]] == ["2026-01", "2026-02", "2026-03", "Total"]
    assert len(sheets["Plans"]) == len(plans)
    assert ("Way", "Visit") in document.facts
    calls, document = await told(world, "fuller", "VISITS", way="CALL")
    assert calls["By person"][-1][7] == 1
    assert ("Way", "Call") in document.facts


async def service(world) -> None:
    sheets, _ = await told(world, "fuller", "SERVICE_QUALITY")
    counted = [one for one in REQUESTS if one[6] != "CANCELLED"]
    for key, title, names in (
        (2, "By kind", {"COMPLAINT": "Complaint", "REPAIR": "Repair"}),
        (1, "By person", NAMES),
    ):
        assert len(sheets[title]) == 3
        for code, name in names.items():
            mine = [one for one in counted if one[key] == code]
            answered = [one[4] for one in mine if one[4]]
            solved = [one[5] for one in mine if one[5]]
            line = next(line for line in sheets[title] if line[0] == name)
            # Whatever is not answered or solved by now is long overdue.
            assert line[1:] == [
                len(mine),
                len(answered),
                round(sum(kept for _, kept in answered) / len(mine), 6),
                round(sum(hours for hours, _ in answered) / len(answered), 6),
                len(solved),
                round(sum(kept for _, kept in solved) / len(mine), 6),
                round(sum(hours for hours, _ in solved) / len(solved), 6) if solved else None,
                sum(one[6] in {"NEW", "IN_PROGRESS"} for one in mine),
                0,
            ], code
    assert sheets["By kind"][-1][1] == len(counted)
    mine, _ = await told(world, "leverling", "SERVICE_QUALITY")
    assert [line[0] for line in mine["By person"]] == ["Janet Leverling", "Total"]
    only, _ = await told(world, "fuller", "SERVICE_QUALITY", requestKind="REPAIR")
    assert only["By kind"][-1][1] == 2


FILLED = """
SELECT c.number, (c.owner_id IS NOT NULL)::int + (c.industry IS NOT NULL)::int + (c.region IS NOT NULL)::int
       + (c.email IS NOT NULL)::int AS filled,
       (SELECT max(at) FROM audit WHERE record_id = c.id AND actor_id IS NOT NULL)::date AS changed
FROM customer c WHERE c.archived_at IS NULL
"""


async def freshness(world) -> None:
    shop, customers = world.shop, world.customers
    await shop.update("customer", customers["C1"], industry="Chemie", region="East", email="a@b.example")
    await shop.create("contact", customer_id=customers["C1"], name="Maria Anders")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            "UPDATE customer SET verified_on = '2025-12-01', verify_by = '2026-03-01' WHERE number = 'C1'"
        )
        await write.fetch(
            "UPDATE customer SET verified_on = NULL, verify_by = '2026-03-02' WHERE number = 'C2'"
        )
    sheets, _ = await told(world, "fuller", "ARCHIVE_FRESHNESS")
    expected = {row["number"]: row for row in await shop.fetch(FILLED)}
    listed = {line[0]: line for line in sheets["Customers"]}
    assert set(listed) == set(expected)
    for number, line in listed.items():
        contacts = 1 if number == "C1" else 0
        assert line[4:6] == [
            expected[number]["changed"].isoformat(),
            (TODAY - expected[number]["changed"]).days,
        ], number
        assert line[6] == round((expected[number]["filled"] + contacts) / 11, 6), number
    assert listed["C1"][5:] == [0, round(5 / 11, 6), 1, "2025-12-01", "2026-03-01"]
    total = sheets["By last change"][-1]
    assert (total[1], total[4], total[5]) == (6, 1, 1)
    assert [(line[0], line[1]) for line in sheets["By owner"]] == [
        ("Janet Leverling", 3),
        ("Nancy Davolio", 2),
        ("Nobody", 1),
        ("Total", 6),
    ]


DONE_AND_OPEN = """
SELECT sum((p.state = 'DONE' AND p.done_on BETWEEN '2026-02-01' AND '2026-02-28')::int) AS done,
       sum((p.state = 'PLANNED' AND p.due_on BETWEEN '2026-02-01' AND '2026-02-28')::int) AS open
FROM follow_up_plan p JOIN customer c ON c.id = p.customer_id AND c.archived_at IS NULL WHERE p.owner_id = $1
"""


async def digest(world) -> None:
    days = Span(date(2026, 2, 1), date(2026, 2, 28))
    sheets, _ = await told(world, "fuller", "DAILY_DIGEST", span=days)
    people = {line[0]: line[1:] for line in sheets["By person"]}
    (sold,) = await world.shop.fetch(
        "SELECT count(*) AS orders, sum(total) FILTER (WHERE currency = 'USD') AS sales FROM sales_order o"
        " JOIN customer c ON c.id = o.customer_id AND c.archived_at IS NULL"
        " WHERE o.state <> 'CANCELLED' AND ordered_on BETWEEN '2026-02-01' AND '2026-02-28'"
    )
    total = people["Total"]
    assert total[:3] == [2, 1, 1]  # one visit that met nobody, one call
    assert total[6:] == [sold["orders"], sold["sales"], 3]  # requests, the cancelled one too: it was opened
    (plans,) = await world.shop.fetch(DONE_AND_OPEN, world.people["leverling"])
    assert people["Janet Leverling"][3:5] == [plans["done"], plans["open"]] != [0, 0]
    assert [line[1] for line in sheets["List of contacts"]] == ["10:00", "10:00"]
    king, _ = await told(world, "king", "DAILY_DIGEST", span=days)
    assert king["By person"] == sheets["By person"]
    assert "List of contacts" not in king  # who may not export follow-up records


async def due(world) -> None:
    sheets, document = await told(world, "fuller", "CONTRACTS_ENDING")
    assert [(line[0], *line[5:]) for line in sheets["Contracts"]] == [
        ("V3", "2026-02-20", "2026-02-20", -10, None, None),
        ("V1", "2026-03-20", "2026-05-01", 18, 100_000_00, None),
        ("V2", "2026-02-01", "2026-05-02", 61, None, 5_000_00),
    ]
    assert [column.label for column in document.main.columns[-2:]] == ["Amount (USD)", "Amount (EUR)"]
    assert sheets["By month"][-1] == ["Total", 3, 1]
    soon, _ = await told(world, "davolio", "CONTRACTS_ENDING", days=20)
    assert soon["By month"] == [["2026-03", 1, 0], ["Total", 1, 0]]
    assert "Contracts" not in soon
    sheets, _ = await told(world, "fuller", "MAINTENANCE_DUE")
    assert [(line[3], line[6], line[7]) for line in sheets["Owned products"]] == [
        (OWNED[1][1], "2026-02-10", -20),
        (OWNED[0][1], "2026-03-10", 8),
    ]
    assert sheets["By month"][-1] == ["Total", 2, 1]


async def customers(world) -> None:
    sheets, _ = await told(world, "buchanan", "CUSTOMER_LIST")
    assert [line[0] for line in sheets["Customers"]] == ["C1", "C2"]
    assert sheets["By state"][-1][1] == 2
    found = await world.shop.fetch("SELECT id FROM grade_level WHERE code = 'A'")
    graded, document = await told(world, "fuller", "CUSTOMER_LIST", gradeLevel=f"gle_{found[0]['id'].hex}")
    assert {line[0] for line in graded["Customers"]} == {"C1", "C2"}
    assert ("Grade", "A") in document.facts
    assert "Period" not in dict(document.facts)


async def profit(world) -> None:
    """A quarter of what was asked for is left of every order, C4's lost money, what C5's cost is unknown."""
    async with world.shop.databases.tenant_write(world.shop.company.ref) as write:
        await write.fetch(
            "UPDATE sales_order o SET profit = CASE c.number WHEN 'C4' THEN -o.total WHEN 'C5' THEN NULL"
            " ELSE o.total / 4 END FROM customer c WHERE c.id = o.customer_id"
        )
    sheets, document = await told(world, "fuller", "PROFIT_CONTRIBUTION")
    rows = await world.shop.fetch(
        "SELECT c.number, o.total, o.profit, to_char(o.ordered_on, 'YYYY-MM') AS month FROM sales_order o"
        " JOIN customer c ON c.id = o.customer_id WHERE c.archived_at IS NULL AND o.state <> 'CANCELLED'"
        " AND o.currency = 'USD' AND o.ordered_on BETWEEN '2026-01-01' AND '2026-03-31'"
    )
    for title, place, key in (("Customers", 3, "number"), ("By month", 1, "month")):
        for line in sheets[title]:
            mine = [row for row in rows if row[key] == line[0]] or rows
            gains, sales = [row["profit"] for row in mine], sum(row["total"] for row in mine)
            known = None if None in gains else sum(gains)
            rate = None if known is None else round(known / sales, 6)
            assert line[place:] == [len(mine), sales, known, rate, gains.count(None)], line
        assert {line[0] for line in sheets[title]} - {"Total"} == {row[key] for row in rows}
    assert ("Unprofitable customers", "1") in document.facts
    assert sheets["By month"][-1][3] is None
    mine, _ = await told(world, "buchanan", "PROFIT_CONTRIBUTION")
    assert {line[0] for line in mine["Customers"]} == {"C1", "C2"}


async def ageing(world) -> None:
    sheets, document = await told(world, "callahan", "RECEIVABLES_AGEING")
    assert [(line[0], *line[3:]) for line in sheets["Customers"]] == [
        ("C3", 20_00, 0, 0, 0, 0, 20_00, 91),
        ("C1", 9_00, 3_00, 2_00, 0, 4_00, 0, 90),
    ]
    assert sheets["By age"] == [
        ["not due yet", 1, 3_00, round(3 / 29, 6)],
        ["1 to 30 days overdue", 1, 2_00, round(2 / 29, 6)],
        ["31 to 60 days overdue", 0, 0, 0.0],
        ["61 to 90 days overdue", 1, 4_00, round(4 / 29, 6)],
        ["more than 90 days overdue", 1, 20_00, round(20 / 29, 6)],
        ["Total", 4, 29_00, None],
    ]
    assert document.charts[0].series[0].values == (3.0, 2.0, 0.0, 4.0, 20.0)
    own, _ = await told(world, "davolio", "RECEIVABLES_AGEING")
    assert own["By age"][-1] == ["Total", 3, 9_00, None]
    assert "Customers" not in own  # who may not export invoices


@pytest.mark.requirement("R1", "A11", "R2")
async def test_nobody_finds_a_customer_in_a_report_or_its_sums_whom_they_may_not_read(full):
    theirs = {"davolio": {"C1", "C2"}, "leverling": {"C3", "C4", "C7"}, "buchanan": {"C1", "C2"}}
    names = {row["number"]: row["name"] for row in await full.shop.fetch("SELECT number, name FROM customer")}
    for who, own in theirs.items():
        for kind in await kinds_for(full, who):
            sheets, document = await told(full, who, kind, language="zh-CN")
            cells = {cell for lines in sheets.values() for line in lines for cell in line}
            assert not cells & {name for number, name in names.items() if number not in own}, (who, kind)
            label = next(one.label for one in [KINDS[kind]])
            assert document.title == translate(label, "zh-CN"), kind
    await restricted(full)


async def kinds_for(world, name: str) -> list[str]:
    """The kinds that somebody may ask for: profit, invoices and the watch list are not for everybody."""
    viewer = await world.viewer(name)
    found = [code for code, kind in KINDS.items() if kind.is_for(viewer)]
    refused = set(KINDS) - set(found)
    assert refused == REFUSED.get(name, {"PROFIT_CONTRIBUTION"})
    for kind in refused:
        with pytest.raises(Forbidden):
            await told(world, name, kind)
    return found


REFUSED = {
    "buchanan": set(),
    "onlooker": {"PROFIT_CONTRIBUTION", "RECEIVABLES_AGEING", "WATCH_LIST"},
}
OF_A_CUSTOMER = (
    "contract",
    "customer_grade",
    "follow_up_plan",
    "follow_up_record",
    "invoice",
    "owned_product",
    "sales_order",
    "service_request",
    "survey_answer",
    "survey_invitation",
)


async def restricted(full) -> None:
    """Who an archive is closed to sees what the owner sees when it and all that is below it are gone."""
    customer = full.customers["C1"]
    async with full.shop.databases.tenant_write(full.shop.company.ref) as write:
        await write.fetch("UPDATE customer SET restricted = true WHERE id = $1", customer)
    closed = {kind: await told(full, "onlooker", kind) for kind in await kinds_for(full, "onlooker")}
    async with full.shop.databases.tenant_write(full.shop.company.ref) as write:
        await write.fetch("UPDATE customer SET archived_at = now() WHERE id = $1", customer)
        for table in OF_A_CUSTOMER:
            await write.fetch(f"UPDATE {table} SET archived_at = now() WHERE customer_id = $1", customer)
    for kind, (sheets, document) in closed.items():
        gone, of_owner = await told(full, "fuller", kind)
        assert sheets == {title: gone[title] for title in sheets}, kind
        assert document.charts == of_owner.charts, kind

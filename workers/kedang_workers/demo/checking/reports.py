"""The files of the reports, read cell by cell and held against the CSV files and the answers of the story."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from io import BytesIO, StringIO
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from openpyxl import load_workbook

from kedang_workers.demo import story
from kedang_workers.demo.building import CALLED, CYCLES, best_customers
from kedang_workers.demo.checking.clocks import next_working_day
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.checking.service import download
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import GRADED_YEAR, Figures
from kedang_workers.demo.looking import TIME_ZONE, day_of
from kedang_workers.demo.reporting import RECIPIENT, WEEKLY
from kedang_workers.demo.sheets import supplier_number
from kedang_workers.demo.story import LEVELS

Cell: TypeAlias = str | Decimal | None
Table: TypeAlias = list[dict[str, Cell]]
_MILLIONTH: Final = Decimal("0.000001")
NO_GRADE: Final = "No grade"

RUNS: Final = """
{
  reportRuns(first: 100, where: {state: {eq: DONE}}, orderBy: [{field: CREATED_AT}]) {
    nodes { id kind startsOn endsOn formats scheduledFor askedBy { email } xlsxId csvId pdfId expiresAt }
  }
  reportDefinitions(first: 50) {
    nodes { name kind schedule weekday at active nextAt recipients { nodes { member { email } } } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Files:
    """What one report came to: the tables of its XLSX by their titles, the one of its CSV, the words of its PDF."""

    tables: Mapping[str, Table]
    csv: Table


def check_reports(
    api: Api, northwind: Northwind, figures: Figures, built_on: date, findings: Findings
) -> None:
    """Compare the files of the four reports that were made by hand, and the schedule of the one that comes weekly."""
    found = api.ask(RUNS)
    by_hand = {run["kind"]: run for run in reversed(found["reportRuns"]["nodes"]) if not run["scheduledFor"]}
    checks: dict[str, Callable[[Files], None]] = {
        "CUSTOMERS_BY_GRADE": lambda files: _check_customers(files, northwind, figures, built_on, findings),
        "GRADE_MOVEMENT": lambda files: _check_movement(files, northwind, figures, findings),
        "FOLLOW_UP_COMPLIANCE": lambda files: _check_compliance(files, northwind, figures, findings),
        "SURVEY_ANALYSIS": lambda files: _check_survey(files, findings),
    }
    findings.same("kinds of reports made", set(by_hand), set(checks))
    for kind in checks.keys() & by_hand.keys():
        run = by_hand[kind]
        if datetime.fromisoformat(run["expiresAt"]) > datetime.now(ZoneInfo(TIME_ZONE)):
            checks[kind](_files(api, run, northwind, findings))
    _check_schedule(found, findings)


def _files(api: Api, run: Mapping[str, Any], northwind: Northwind, findings: Findings) -> Files:
    sheets = load_workbook(BytesIO(download(api, run["xlsxId"])), read_only=True, data_only=True)
    tables = {
        sheet.title: _table([_cell(value) for value in row] for row in sheet.iter_rows(values_only=True))
        for sheet in sheets.worksheets[1:]  # the first one is the summary, which is no table
    }
    rows = csv.reader(StringIO(download(api, run["csvId"]).decode("utf-8-sig")))
    if run["pdfId"] is not None:
        _check_pdf(run["kind"], download(api, run["pdfId"]), northwind, findings)
    return Files(tables, _table([_cell(value) for value in row] for row in rows))


def _table(rows: Iterable[list[Cell]]) -> Table:
    lines = list(rows)
    names = [str(name) for name in lines[0]]
    return [dict(zip(names, line, strict=True)) for line in lines[1:]]


def _cell(value: object) -> Cell:
    """A cell as both formats mean it: numbers to the millionth, days as text, nothing for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    try:
        return Decimal(str(value)).quantize(_MILLIONTH)
    except InvalidOperation:
        return str(value)


def _share(part: Decimal, whole: Decimal) -> Cell:
    return _cell(round(part / whole, 6))


def _check_pdf(kind: str, content: bytes, northwind: Northwind, findings: Findings) -> None:
    """It is a PDF; where pypdf is there to read it, it names every customer."""
    findings.same(f"{kind}: PDF", content[:5], b"%PDF-")
    try:
        from pypdf import PdfReader
    except ImportError:  # it comes with the tests only
        return
    if kind in {"CUSTOMERS_BY_GRADE", "GRADE_MOVEMENT"}:
        text = _squeezed("".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages))
        names = [row["company_name"] for row in northwind.customers]
        findings.same(f"{kind}: not named in the PDF", [n for n in names if _squeezed(n) not in text], [])


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _names(northwind: Northwind) -> dict[str, str]:
    return {row["employee_id"]: f"{row['first_name']} {row['last_name']}" for row in northwind.employees}


def _same_in_both(what: str, title: str, files: Files, findings: Findings) -> Table:
    """The rows of a table without its totals, which the CSV has none of; both formats say the same."""
    table = [row for row in files.tables[title] if next(iter(row.values())) != "Total"]
    findings.same(f"{what}: CSV and XLSX", files.csv == table, expected=True)
    return table


def _check_customers(
    files: Files, northwind: Northwind, figures: Figures, built_on: date, findings: Findings
) -> None:
    """Every customer and business partner with its sales of the graded year, and the sums of every grade."""
    table = _same_in_both("customers by grade", "Customers", files, findings)
    expected = {row["Number"]: row for row in _customer_rows(northwind, figures, built_on)}
    findings.same("customers by grade", {row["Number"]: row for row in table}, expected)
    findings.same("customers by grade: rows", len(table), len(expected))
    sums = {str(row["Grade"]): row for row in files.tables["By grade"]}
    findings.same("sums by grade", sums, _sums(list(expected.values()), figures))


def _customer_rows(northwind: Northwind, figures: Figures, built_on: date) -> Iterable[dict[str, Cell]]:
    names, by_hand = _names(northwind), set(best_customers(northwind).values())
    total = figures.by_year[GRADED_YEAR]
    for row in northwind.customers:
        number = row["customer_id"]
        owner, sales = figures.owners.get(number), figures.by_customer[number]
        days = [order["order_date"] for order in northwind.orders if order["customer_id"] == number]
        cycle = built_on + timedelta(days=CYCLES[figures.grades[number]])
        due = built_on if number in by_hand else next_working_day(cycle)
        yield {
            "Number": number,
            "Name": row["company_name"],
            "Owner": names[owner] if owner else None,
            "Grade": figures.grades[number],
            "Grade since": built_on.isoformat(),
            "Sales (USD)": _cell(sales),
            "Share of sales (USD)": _share(sales, total),
            "Orders": _cell(sum(day.startswith(str(GRADED_YEAR)) for day in days)),
            "Last order": max((day for day in days if day[:4] <= str(GRADED_YEAR)), default=None),
            "Next follow-up": due.isoformat() if owner else None,
        }
    nothing = dict.fromkeys(("Owner", "Grade since", "Last order", "Next follow-up"))
    zeros = dict.fromkeys(("Sales (USD)", "Share of sales (USD)", "Orders"), _cell(0))
    for row in northwind.suppliers:
        yield {
            **nothing,
            **zeros,
            "Number": supplier_number(row["supplier_id"]),
            "Name": row["company_name"],
            "Grade": NO_GRADE,
        }


def _sums(rows: Table, figures: Figures) -> dict[str, dict[str, Cell]]:
    total = figures.by_year[GRADED_YEAR]

    def line(grade: str, of: Table) -> dict[str, Cell]:
        orders = [Decimal(str(row["Orders"])) for row in of]
        sales = sum((Decimal(str(row["Sales (USD)"])) for row in of), Decimal(0))
        return {
            "Grade": grade,
            "Customers": _cell(len(of)),
            "Share of customers": _share(Decimal(len(of)), Decimal(len(rows))),
            "Buying customers": _cell(sum(count > 0 for count in orders)),
            "Orders": _cell(sum(orders)),
            "Sales (USD)": _cell(sales),
            "Share of sales (USD)": _share(sales, total),
        }

    grades = [*"ABCDE", NO_GRADE]
    lines = {grade: line(grade, [row for row in rows if row["Grade"] == grade]) for grade in grades}
    return {**lines, "Total": line("Total", rows)}


def _check_movement(files: Files, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    """Everybody was graded for the first time, each by the sales of the graded year."""
    table = _same_in_both("grade movement", "Who moved", files, findings)
    told = {
        str(row["Number"]): (
            row["Name"],
            row["Movement"],
            row["From grade"],
            row["To grade"],
            row["Value now (USD)"],
        )
        for row in table
    }
    expected = {
        row["customer_id"]: (
            row["company_name"],
            "Newly graded",
            NO_GRADE,
            figures.grades[row["customer_id"]],
            _cell(figures.by_customer[row["customer_id"]]),
        )
        for row in northwind.customers
    }
    findings.same("grade movement", told, expected)
    counts = Counter(figures.grades.values())
    matrix = {str(row["From grade"]): row for row in files.tables["From grade to grade"]}
    moved = {grade: matrix[NO_GRADE][f"to {grade}"] for grade in "ABCDE"}
    findings.same("grade movement: to each grade", moved, {grade: _cell(counts[grade]) for grade in "ABCDE"})


def _check_compliance(files: Files, northwind: Northwind, figures: Figures, findings: Findings) -> None:
    """Of each person's follow-ups the two recorded ones were on time; all others are yet to come."""
    names = _names(northwind)
    ahead = Counter(names[owner] for owner in figures.owners.values())
    ahead.update(names[employee] for employee in best_customers(northwind))
    on_time = Counter(names[figures.owners[number]] for number in CALLED)
    expected = {name: (_cell(on_time[name]), _cell(ahead[name])) for name in ahead}
    people = {str(row["Person"]): (row["On time"], row["Not yet due"]) for row in files.tables["By person"]}
    total = people.pop("Total")
    findings.same("follow-up compliance", people, expected)
    sums = (_cell(sum(on_time.values())), _cell(sum(ahead.values())))
    findings.same("follow-up compliance in all", total, sums)
    _same_in_both("follow-up compliance", "By person, grade and month", files, findings)


def _check_survey(files: Files, findings: Findings) -> None:
    """The distribution is that of the answers that were given, and the comments are those that were written."""
    table = _same_in_both("survey analysis", "Distribution of answers", files, findings)
    told = {
        (str(row["Question"]).partition(" · ")[2], str(row["Answer given"])): row["Answers"]
        for row in table
        if row["Answer given"] in LEVELS
    }
    questions = {question for question, _ in told}
    expected = {
        (question, level): _cell(
            sum(reply.exceptions.get(question, reply.level) == level for reply in story.REPLIES)
        )
        for question in questions
        for level in LEVELS
    }
    findings.same("survey analysis", told, expected)
    comments = {(row["Question"], row["Comment"]) for row in files.tables["Comments"]}
    said = {pair for reply in story.REPLIES for pair in {**reply.comments, **reply.words}.items()}
    findings.same("survey analysis: comments", comments, said)


def _check_schedule(found: Mapping[str, Any], findings: Findings) -> None:
    """The weekly report comes on a Monday at seven, and goes to its recipient alone."""
    (definition,) = [one for one in found["reportDefinitions"]["nodes"] if one["name"] == WEEKLY] or [None]
    if not findings.same("weekly report", definition is not None, expected=True):
        return
    next_at = datetime.fromisoformat(definition["nextAt"]).astimezone(ZoneInfo(TIME_ZONE))
    findings.same(
        "weekly report: when",
        (definition["schedule"], definition["active"], next_at.weekday(), next_at.strftime("%H:%M")),
        ("WEEKLY", True, 0, "07:00"),
    )
    recipients = [one["member"]["email"] for one in definition["recipients"]["nodes"]]
    findings.same("weekly report: recipients", recipients, [RECIPIENT])
    scheduled = [run for run in found["reportRuns"]["nodes"] if run["scheduledFor"]]
    findings.same(
        "reports by schedule: for whom", {r["askedBy"]["email"] for r in scheduled} - {RECIPIENT}, set()
    )
    findings.same(
        "reports by schedule: on Mondays",
        {day_of(r["scheduledFor"]).weekday() for r in scheduled} - {0},
        set(),
    )

"""A list of 100,000 customers as a workbook by a real worker and its writer; twenty pages with charts as a PDF."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psutil
import pypdf
import pytest

from kedang_platform.ids import new_id
from kedang_platform.search_text import name_sort
from kedang_tenants.grading.schemes import seed_grading
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Words, save
from kedang_tenants.reports.operations import ask_for_report
from kedang_tenants.reports.spool import Folder
from tests.bench.test_imports import peak_megabytes, processor_seconds, start_worker
from tests.imports.support import Office
from tests.support.names import company_names

__all__ = ["start_worker"]

pytestmark = pytest.mark.bench

ROWS = 100_000
ORDERS_A_CUSTOMER = 3

CUSTOMERS = """
INSERT INTO customer (id, version, created_at, updated_at, custom, number, name, name_sort, directory, roles, state,
                      direct, owner_id, grade_level_id, next_follow_up_on)
SELECT id, 1, $5, $5, '{}', number, name, name_sort, 'COMPANY', '{}', 'CURRENT', true, $6,
       ($7::uuid[])[1 + length(name) % cardinality($7)], $8
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS given (id, number, name, name_sort)
"""
GRADES = """
INSERT INTO customer_grade (id, version, created_at, updated_at, custom, customer_id, scheme_id, level_id,
                            rule_version, figures, explanation, current, graded_at)
SELECT gen_random_uuid(), 1, $2, $2, '{}', id, $1, grade_level_id, 1, '{}', '{}', true, $2 FROM customer
"""
ORDERS = """
INSERT INTO sales_order (id, version, created_at, updated_at, custom, number, customer_id, state, ordered_on, currency,
                         total)
SELECT gen_random_uuid(), 1, $1, $1, '{}', c.number || '-' || n, c.id, 'DELIVERED', $2::date - (n * 20)::int, 'CNY',
       100 * length(c.name) * n
FROM customer c CROSS JOIN generate_series(1, $3::int) AS n
"""


class Writer(threading.Thread):
    """Watches for the process that writes; knows the most memory that it ever had resident."""

    def __init__(self, worker: int) -> None:
        super().__init__(daemon=True)
        self._worker = psutil.Process(worker)
        self.ended = threading.Event()
        self.peak = 0.0
        self.processor = 0.0

    def run(self) -> None:
        while not self.ended.wait(0.01):
            for child in self._worker.children():
                with suppress(OSError, psutil.Error, TypeError, IndexError):
                    if "kedang_tenants.reports.writers" in child.cmdline():
                        self.peak = max(self.peak, peak_megabytes(child.pid))
                        self.processor = max(self.processor, processor_seconds(child.pid))


@pytest.fixture
async def office(databases, database_settings, company, tmp_path) -> Office:
    return await Office.open(databases, database_settings, company, tmp_path)


async def fill(office: Office) -> None:
    names = list(company_names(ROWS))
    now, today = datetime.now(UTC), datetime.now(UTC).date()
    async with office.databases.tenant_write(office.company.ref) as write:
        viewer = await system_viewer(write, company=office.company)
        scheme = await seed_grading(write, viewer, clock=office.clock)
        levels = [row["id"] for row in await write.fetch("SELECT id FROM grade_level ORDER BY position")]
        following = today + timedelta(days=9)
        for start in range(0, ROWS, 20_000):
            part = names[start : start + 20_000]
            ids = [new_id() for _ in part]
            numbers = [f"C{start + n:06}" for n in range(len(part))]
            sorts = [name_sort(name) for name in part]
            await write.fetch(CUSTOMERS, ids, numbers, part, sorts, now, office.member.id, levels, following)
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch(GRADES, scheme, now)
    async with office.databases.tenant_write(office.company.ref) as write:
        await write.fetch(ORDERS, now, today, ORDERS_A_CUSTOMER)
    async with office.databases.owner() as owner:
        await owner.execute(f'ANALYZE "{office.company.ref.schema}".customer')
        await owner.execute(f'ANALYZE "{office.company.ref.schema}".sales_order')


async def test_a_workbook_of_100000_customers(office, work_processes, start_worker):
    await fill(office)
    worker = start_worker()
    watching = Writer(worker.pid)
    watching.start()
    started = time.perf_counter()
    async with office.databases.tenant_write(office.company.ref) as write:
        wish = {"kind": "CUSTOMERS_BY_GRADE", "formats": ["XLSX"], "period": "LAST_12_MONTHS"}
        run_id = await ask_for_report(write, await office.viewer(), values=wish, clock=office.clock)
    ended = f"SELECT finished_at IS NOT NULL FROM work.job WHERE payload->>'run' = '{run_id}'"
    await work_processes.until(ended, seconds=300)
    took = time.perf_counter() - started
    watching.ended.set()
    (row,) = await office.rows("SELECT * FROM report_run WHERE id = $1", run_id)
    assert (row["state"], row["rows_done"]) == ("DONE", ROWS + 5), work_processes.said()
    (file,) = await office.rows("SELECT size FROM file WHERE id = $1", row["xlsx_id"])
    print(
        f"\nreport: XLSX of {ROWS} customers with {ROWS * ORDERS_A_CUSTOMER} orders in {took:.1f} s (<= 15),"
        f" {file['size'] / 2**20:.1f} MB; the process that writes used {watching.processor:.1f} s of a processor and"
        f" at most {watching.peak:.0f} MB (<= 200), the worker {processor_seconds(worker.pid):.1f} s and"
        f" {peak_megabytes(worker.pid):.0f} MB"
    )
    assert took <= 15
    assert watching.peak <= 200


CHARTS, LINES = 6, 860


def twenty_pages(folder) -> None:
    """A document of tables and charts that takes twenty pages."""

    async def quiet(_done, _total) -> None:
        pass

    columns = (
        Column("名称", width=30),
        Column("等级", "LEVEL"),
        Column("数量", "COUNT"),
        Column("占比", "SHARE"),
        Column("销售额（CNY）", "MONEY", 16, "CNY"),
        Column("日期", "DAY"),
    )
    lines = (
        [f"上海龙腾科技有限公司第{n}分公司", "ABC"[n % 3], n, 0.25, n * 1_234_567, "2026-02-28"]
        for n in range(LINES)
    )
    table = Folder(folder, quiet).table(lines)
    months = tuple(f"{month}月" for month in range(1, 13))
    charts = tuple(
        Chart(
            f"图表 {number}",
            "客户",
            months,
            (
                Series("本期", "#2563eb", tuple(float(month * number) for month in range(12))),
                Series("上期", "#9aa5b1", tuple(float(month) for month in range(12))),
            ),
            stacked=number % 2 == 0,
        )
        for number in range(CHARTS)
    )
    made = Document(
        title="客户等级报表",
        company="龙腾科技",
        language="zh-CN",
        facts=(("统计期间", "2026-01-01 至 2026-02-28"),),
        notes=("金额不跨币种相加。",),
        sheets=(Sheet("客户清单", columns, table.name, table.count, main=True),),
        charts=charts,
        words=Words("摘要", "合计", "第 {page} 页，共 {pages} 页", "{count}"),
        colours={"A": "#c0392b", "B": "#d35400", "C": "#f1c40f"},
    )
    save(made, folder)


def test_a_pdf_of_twenty_pages_with_charts(tmp_path):
    twenty_pages(tmp_path)
    command = [sys.executable, "-P", "-m", "kedang_tenants.reports.writers", str(tmp_path), "PDF"]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    took = time.perf_counter() - started
    pages = len(pypdf.PdfReader(tmp_path / "report.pdf").pages)
    print(f"\nreport: PDF of {pages} pages with {CHARTS} charts in {took:.1f} s (<= 5), its process included")
    assert pages >= 20
    assert took <= 5

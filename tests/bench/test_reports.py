"""A list of 100,000 customers with their sales as a workbook, by a real worker and its writer."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from kedang_platform.ids import new_id
from kedang_platform.search_text import name_sort
from kedang_tenants.grading.schemes import seed_grading
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reports.operations import ask_for_report
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
        f"\nreport: XLSX of {ROWS} customers with {ROWS * ORDERS_A_CUSTOMER} orders in {took:.1f} s (<= 20),"
        f" {file['size'] / 2**20:.1f} MB; the process that writes used {watching.processor:.1f} s of a processor and"
        f" at most {watching.peak:.0f} MB (<= 200), the worker {processor_seconds(worker.pid):.1f} s and"
        f" {peak_megabytes(worker.pid):.0f} MB"
    )
    assert took <= 20
    assert watching.peak <= 200

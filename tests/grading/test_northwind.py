"""Northwind graded by its rule, against figures counted from the CSV files in plain Python."""

from collections import Counter

import orjson
import pytest

from kedang_tenants.trade.profits import YEAR, ProfitQuestion, Sum, profit_contributions
from tests.grading.northwind import bring_in, expected_grades, sales_by_year
from tests.support.trading import open_shop

_GRADES = """
SELECT c.number, l.code, g.figures, g.explanation
FROM customer c LEFT JOIN grade_level l ON l.id = c.grade_level_id
LEFT JOIN customer_grade g ON g.customer_id = c.id AND g.current
ORDER BY c.number
"""


def test_the_independent_count_agrees_with_the_figures_that_were_given():
    assert sales_by_year() == {"1996": 20_808_399, "1997": 61_708_535, "1998": 44_062_395}
    grades = Counter(level for level, _, _ in expected_grades().values())
    assert grades == {"A": 5, "B": 12, "C": 35, "D": 34, "E": 5}


@pytest.mark.requirement("G1", "G2", "G3", "P6")
async def test_all_ninety_one_customers_get_the_grade_that_the_files_say(shop):
    await bring_in(shop)
    await shop.publish_default_scheme(period="CALENDAR_YEAR", year=1997)
    await shop.work()

    found = {row["number"]: row for row in await shop.fetch(_GRADES)}
    expected = expected_grades()
    graded = {
        number: (row["code"], (figures := orjson.loads(row["figures"]))["value"], figures["orders"])
        for number, row in found.items()
        if row["code"]
    }
    assert graded == expected
    assert Counter(code for code, _, _ in graded.values()) == {"A": 5, "B": 12, "C": 35, "D": 34, "E": 5}
    assert sorted(set(found) - set(graded)) == sorted(f"S{number}" for number in range(1, 30))
    assert await shop.value("SELECT sum(total) FROM sales_order") == 126_579_329
    # Nobody says what the products cost: the profit of no order is known, and none is taken for zero.
    assert await shop.value("SELECT count(profit) FROM sales_order") == 0
    async with shop.databases.tenant_read(shop.company.ref) as read:
        sold = await profit_contributions(read, shop.viewer, ProfitQuestion(YEAR), clock=shop.clock)
    assert [(year.sum.sales, year.sum.profit) for year in sold.rows] == [
        (sales, None) for sales in (44_062_395, 61_708_535, 20_808_399)
    ]
    assert sold.total == Sum(126_579_329, None, 830, 830)
    assert "10,132.77 USD" in orjson.loads(found["QUEEN"]["explanation"])["en"]


async def test_the_order_in_which_rows_arrive_does_not_matter(shop, databases, database_settings):
    other = await open_shop(databases, database_settings)
    await bring_in(shop)
    await bring_in(other, reverse=True)
    for one in (shop, other):
        await one.publish_default_scheme(period="CALENDAR_YEAR", year=1998)
    await shop.work()
    grades = "SELECT c.number, l.code FROM customer c LEFT JOIN grade_level l ON l.id = c.grade_level_id ORDER BY 1"
    assert await shop.fetch(grades) == await other.fetch(grades)

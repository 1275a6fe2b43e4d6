"""The figures that the demonstration is held against, themselves held against what is known of Northwind."""

from collections import Counter
from decimal import Decimal

from kedang_workers.demo.data import load_northwind
from kedang_workers.demo.figures import grade_of, owners_of, work_out


def test_sales_and_grades():
    figures = work_out(load_northwind())
    assert figures.sales == Decimal("1265793.29")
    assert figures.by_year == {
        1996: Decimal("208083.99"),
        1997: Decimal("617085.35"),
        1998: Decimal("440623.95"),
    }
    assert Counter(figures.grades.values()) == {"A": 5, "B": 12, "C": 35, "D": 34, "E": 5}
    assert len(figures.owners) == 89


def test_thresholds_belong_to_the_better_level():
    figures = ["20000", "19999.99", "10000", "9999.99", "3000", "2999.99", "0.01", "0"]
    assert [grade_of(Decimal(figure)) for figure in figures] == list("ABBCCDDE")


def test_an_owner_has_most_orders_then_the_latest_then_the_lowest_number():
    def order(customer, employee, day):
        return {"customer_id": customer, "employee_id": employee, "order_date": day}

    orders = [
        *(order("MOST", "3", day) for day in ("1996-01-01", "1996-01-02")),
        order("MOST", "1", "1998-01-01"),
        order("LATEST", "1", "1996-01-01"),
        order("LATEST", "3", "1997-01-01"),
        order("LOWEST", "10", "1997-01-01"),
        order("LOWEST", "9", "1997-01-01"),
    ]
    assert owners_of(orders) == {"MOST": "3", "LATEST": "3", "LOWEST": "9"}

"""Does a running installation tell of Northwind what the CSV files say? Read through its public interfaces alone.

Nothing is changed, so it can be asked as often as one likes.
"""

from __future__ import annotations

from datetime import date

from kedang_workers.demo.checking.archive import CUSTOMERS, check_counts, check_customers
from kedang_workers.demo.checking.findings import Findings, every
from kedang_workers.demo.checking.follow_ups import check_follow_ups, check_mails
from kedang_workers.demo.checking.notices import check_notices
from kedang_workers.demo.checking.portrait import check_portrait
from kedang_workers.demo.checking.reports import check_reports
from kedang_workers.demo.checking.service import check_service
from kedang_workers.demo.checking.surveys import check_surveys
from kedang_workers.demo.checking.trade import check_integrator, check_sales, check_todays_order
from kedang_workers.demo.checking.watching import check_watch_list
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind, load_northwind
from kedang_workers.demo.figures import Figures, work_out
from kedang_workers.demo.keeping import Kept
from kedang_workers.demo.story import REQUESTS

__all__ = ["Findings", "check"]


def check(base_url: str, kept: Kept) -> Findings:
    """Compare everything; the integrator's key is enough for it. Customers that come or went end it early."""
    northwind = load_northwind()
    figures = work_out(northwind)
    findings = Findings()
    api = Api(base_url, kept.reading_key)
    try:
        check_counts(api, northwind, findings)
        customers = {node["number"]: node for node in every(api, CUSTOMERS, "customers")}
        expected = {row["customer_id"] for row in northwind.customers}
        missing, further = sorted(expected - set(customers)), sorted(set(customers) - expected, key=str)
        if not findings.same("customers missing and further", (missing, further[:20]), ([], [])):
            return findings  # the company has been worked with: the rest compares customers one by one
        check_sales(api, northwind, figures, findings)
        check_customers(customers, northwind, figures, findings)
        check_follow_ups(customers, northwind, date.fromisoformat(str(kept.built_on)), findings)
        check_watch_list(customers, northwind, date.fromisoformat(str(kept.built_on)), findings)
        check_integrator(api, northwind, figures, findings)
        check_mails(api, northwind, findings)
        _check_today(api, northwind, figures, kept, findings)
    finally:
        api.close()
    return findings


def _check_today(api: Api, northwind: Northwind, figures: Figures, kept: Kept, findings: Findings) -> None:
    """The story of the day of building: requests, surveys, reports, calls, notices."""
    check_todays_order(api, findings)
    requests = check_service(api, northwind, figures, findings)
    if {asked.title for asked in REQUESTS} <= requests.keys():
        check_surveys(api, northwind, figures, requests, findings)
        check_notices(api, northwind, requests, findings)
    check_reports(api, northwind, figures, date.fromisoformat(str(kept.built_on)), findings)
    check_portrait(api, northwind, findings)

"""Who was told what: the owner's inbox, and the mails of the colleagues whose requests the story made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kedang_workers.demo import story
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.checking.surveys import opened_by_the_unhappy
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind

NOTICES: Final = """
{
  notices(first: 200, orderBy: [{field: CREATED_AT}]) { nodes { kind title body about channel mailState } }
  surveyAnswers(first: 50, where: {unhappy: {eq: true}}) { nodes { id customer { number } } }
  reportRuns(
    first: 100
    where: {scheduledFor: {isNull: true}, state: {eq: DONE}, askedBy: {email: {eq: "andrew.fuller@northwind.example"}}}
  ) { nodes { id } }
  failed: reportRuns(first: 100, where: {errorCode: {eq: "FONTS_MISSING"}}) { nodes { id } }
}"""


def check_notices(api: Api, northwind: Northwind, requests: Mapping[str, Any], findings: Findings) -> None:
    """Andrew Fuller was told once of each: the unhappy customer with the request that follows, every report."""
    found = api.ask(NOTICES)
    notices = found["notices"]["nodes"]
    if opened_by_the_unhappy(requests) is None:
        return
    about = Counter((notice["kind"], notice["about"]) for notice in notices if notice["about"])
    for request in requests.values():
        _check_overdue(request, about.pop(("REQUEST_OVERDUE", request["id"]), 0), findings)
    for run in found["failed"]["nodes"]:  # without the fonts of PDFs each is tried once in vain
        about.pop(("REPORT_FAILED", run["id"]), None)
    answers = found["surveyAnswers"]["nodes"]
    own = [one["id"] for one in answers if one["customer"]["number"] == story.UNHAPPY.customer]
    expected = {("UNHAPPY_ANSWER", answer): 1 for answer in own}
    expected |= {("REPORT_READY", run["id"]): 1 for run in found["reportRuns"]["nodes"]}
    findings.same("notices of Andrew Fuller", dict(about), expected)
    names = {row["customer_id"]: row["company_name"] for row in northwind.customers}
    unhappy = [notice for notice in notices if notice["kind"] == "UNHAPPY_ANSWER"]
    told = [(notice["title"]["en"], notice["channel"]) for notice in unhappy]
    title = f"{names[story.UNHAPPY.customer]} is not satisfied"
    findings.same("the notice of the unhappy answer", told, [(title, "EMAIL")])
    mailed = [mail for mail in api.mails_to("andrew.fuller@northwind.example") if mail["subject"] == title]
    findings.same("mails of the unhappy answer", len(mailed), 1)
    _check_mails(api, requests, findings)


def _check_overdue(request: Mapping[str, Any], told: int, findings: Findings) -> None:
    """Of a clock that ran out he hears once at most, as its owner or as the owner's superior; of others never."""
    clocks = (("firstAnsweredAt", "firstAnswerDueAt"), ("solvedAt", "solutionDueAt"))
    now = datetime.now(UTC)
    most = sum(request[done] is None and datetime.fromisoformat(request[due]) < now for done, due in clocks)
    findings.same(f"{request['number']}: told that it is overdue", told <= most, expected=True)


def _check_mails(api: Api, requests: Mapping[str, Any], findings: Findings) -> None:
    """Whoever got a request was told so by mail, once; so was who waited for the customer's word."""
    subjects: Counter[tuple[str, str]] = Counter()
    for email in set(story.RESPONSIBLE.values()):
        subjects.update((email, mail["subject"]) for mail in api.mails_to(email))
    for title, email in story.RESPONSIBLE.items():
        number = requests[title]["number"]
        findings.same(f"{email}: told of {number}", subjects[email, f"Service request {number} is yours"], 1)
    number, email = requests[story.REPAIR.title]["number"], story.RESPONSIBLE[story.REPAIR.title]
    answered = subjects[email, f"The customer has answered: service request {number}"]
    findings.same(f"{email}: told of the customer's word", answered, 1)

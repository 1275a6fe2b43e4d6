"""Who was asked and what they answered: held against what the customers of the story did on the answer page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from http import HTTPStatus
from typing import Any, Final

from kedang_workers.demo import story
from kedang_workers.demo.checking.findings import Findings
from kedang_workers.demo.checking.service import BY_PRIORITY, check_clocks
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import Northwind, Row
from kedang_workers.demo.figures import Figures, contact_email_of, email_of
from kedang_workers.demo.pages import read_page
from kedang_workers.demo.story import LEVELS, Reply
from kedang_workers.demo.surveying import INVITATIONS, REMINDS, invitations_mailed_to, link_mailed_to

CODES: Final = dict(
    zip(
        LEVELS,
        (
            "VERY_SATISFIED",
            "FAIRLY_SATISFIED",
            "BASICALLY_SATISFIED",
            "NOT_VERY_SATISFIED",
            "NOT_SATISFIED",
        ),
        strict=True,
    )
)
UNHAPPY_CODES: Final = frozenset({"NOT_VERY_SATISFIED", "NOT_SATISFIED"})
UNHAPPY_MINUTES: Final = 2 * 9 * 60
"""Business time of the two working days within which an unhappy customer is to be helped."""
REMIND_AFTER: Final = timedelta(days=5)
_PROMOTER, _PASSIVE = 9, 7

QUESTIONNAIRES: Final = """
{
  questionnaires(first: 50) {
    nodes { id template active trigger cooldownDays currentVersion { number state items(first: 100) {
      nodes { id kind label } } } }
  }
}"""
ANSWERS: Final = """
{
  surveyAnswers(first: 50) {
    nodes {
      state source satisfaction nps unhappy submittedAt customer { number } contact { name }
      questionnaire { template } request { title }
      itemAnswers(first: 100) { nodes { level number text comment choice day item { label } } }
    }
  }
}"""
ANALYSIS: Final = """
query ($q: ID!, $from: Date!, $to: Date!) {
  surveyAnalysis(questionnaireId: $q, from: $from, to: $to) {
    total {
      participation { sent bounced delivered answered response { count n value } }
      answers satisfaction { n value } unhappy { count n value }
      nps { n promoters passives detractors value }
      items { kind label n levels { distribution { code count } mean } nps { value } }
    }
    comments { text level customer { number } }
  }
}"""

Items = list[Mapping[str, Any]]


def check_surveys(
    api: Api, northwind: Northwind, figures: Figures, requests: Mapping[str, Any], findings: Findings
) -> None:
    """Compare invitations with their mails, answers, analysis, and what the unhappy answer set going."""
    questionnaires = {q["template"]: q for q in api.ask(QUESTIONNAIRES)["questionnaires"]["nodes"]}
    active = {template: q["active"] for template, q in questionnaires.items()}
    expected = {"AFTER_SERVICE": True, "AFTER_SALE": True, "ON_VISIT": False}
    if not findings.same("surveys in force", active, expected):
        return
    if not _check_invitations(api, northwind, requests, findings):
        return
    items = questionnaires["AFTER_SERVICE"]["currentVersion"]["items"]["nodes"]
    answers = {
        answer["customer"]["number"]: answer
        for answer in api.ask(ANSWERS)["surveyAnswers"]["nodes"]
        if answer["questionnaire"]["template"] == "AFTER_SERVICE"
    }
    findings.same("who answered", set(answers), {reply.customer for reply in story.REPLIES})
    for reply in story.REPLIES:
        if reply.customer in answers:
            _check_answer(reply, answers[reply.customer], items, northwind, findings)
    _check_pages(api, northwind, findings)
    _check_analysis(api, questionnaires["AFTER_SERVICE"]["id"], answers, items, findings)
    _check_unhappy(requests, figures, northwind, findings)


def _email(northwind: Northwind, customer: str) -> str:
    return contact_email_of(_row(northwind, customer))


def _row(northwind: Northwind, customer: str) -> Row:
    return next(row for row in northwind.customers if row["customer_id"] == customer)


def _check_invitations(
    api: Api, northwind: Northwind, requests: Mapping[str, Any], findings: Findings
) -> bool:
    """Each closed request and the delivery invited once; the contact who had been invited was spared.

    False where other invitations are there than the story made.
    """
    found = {one["subject"]: one for one in api.ask(INVITATIONS)["surveyInvitations"]["nodes"]}
    delivery = api.ask(
        "query ($n: String!) { deliveries(where: {number: {eq: $n}}) { nodes { id } } }",
        n=story.TODAYS.delivery,
    )["deliveries"]["nodes"][0]["id"]
    expected = {
        requests[story.REPAIR.title]["id"]: (story.REPAIR.customer, "AFTER_SERVICE", "ANSWERED", None),
        requests[story.COMPLAINT.title]["id"]: (story.COMPLAINT.customer, "AFTER_SERVICE", "ANSWERED", None),
        requests[story.CONSULTATION.title]["id"]: (
            story.CONSULTATION.customer,
            "AFTER_SERVICE",
            "SKIPPED",
            "COOLDOWN",
        ),
        delivery: (story.TODAYS.customer, "AFTER_SALE", "SENT", None),
    }
    told = {
        subject: (
            one["customer"]["number"],
            one["questionnaire"]["template"],
            _state_once(one),
            one["skippedBecause"],
        )
        for subject, one in found.items()
    }
    if not findings.same("invitations", told, expected):
        return False
    for one in found.values():
        row = _row(northwind, one["customer"]["number"])
        whom = (one["contact"]["name"], one["recipient"], one["channel"], one["language"])
        asked = (row["contact_name"], contact_email_of(row), "EMAIL", "EN")
        findings.same(f"{row['customer_id']}: who is invited", whom, asked)
        findings.same(
            f"{row['customer_id']}: sent", one["sentAt"] is not None, expected=one["state"] != "SKIPPED"
        )
        _check_mails(api, one, findings)
    return True


def _state_once(invitation: Mapping[str, Any]) -> str:
    """The state when the company was built: since then somebody may have answered the last one, or let it expire."""
    state = str(invitation["state"])
    if invitation["questionnaire"]["template"] == "AFTER_SALE" and state in {"OPENED", "ANSWERED"}:
        return "SENT"
    over = datetime.fromisoformat(invitation["expiresAt"]) <= datetime.now(UTC)
    return "SENT" if state == "EXPIRED" and over else state


def _check_mails(api: Api, invitation: Mapping[str, Any], findings: Findings) -> None:
    """One mail invited each contact, however often there was an occasion; one reminds, not before its time."""
    email, reminded = invitation["recipient"], invitation["remindedAt"]
    findings.same(f"{email}: invitations mailed", len(invitations_mailed_to(api, email)), 1)
    if reminded is None:
        reminders = [mail for mail in api.mails_to(email) if mail["subject"] == REMINDS]
        findings.same(f"{email}: reminders", reminders, [])
    else:
        waited = datetime.fromisoformat(reminded) - datetime.fromisoformat(invitation["sentAt"])
        findings.same(f"{email}: reminded in time", waited >= REMIND_AFTER, expected=True)


def _expected_items(reply: Reply, items: Items) -> dict[str, tuple[str | None, Decimal | None, str | None]]:
    """What the customer answered, question by question: the level, the number and the text."""
    said: dict[str, tuple[str | None, Decimal | None, str | None]] = {}
    for item in items:
        label = item["label"]["en"]
        if item["kind"] == "LEVEL":
            said[label] = CODES[reply.exceptions.get(label, reply.level)], None, None
        elif item["kind"] == "NPS":
            said[label] = None, Decimal(reply.recommends), None
        elif label in reply.words:
            said[label] = None, None, reply.words[label]
    return said


def _satisfaction(reply: Reply, items: Items) -> Decimal:
    """The mean of the levels, from 5 for the best to 1, to the hundredth."""
    points = dict(zip(CODES.values(), range(5, 0, -1), strict=True))
    given = [points[level] for level, _, _ in _expected_items(reply, items).values() if level]
    return (Decimal(sum(given)) / len(given)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _is_unhappy(reply: Reply, items: Items) -> bool:
    return any(level in UNHAPPY_CODES for level, _, _ in _expected_items(reply, items).values())


def _check_answer(
    reply: Reply, answer: Mapping[str, Any], items: Items, northwind: Northwind, findings: Findings
) -> None:
    """All that the customer said on the page has arrived, and nothing else."""
    number = reply.customer
    given = answer["itemAnswers"]["nodes"]
    told = {
        one["item"]["label"]["en"]: (one["level"], one["number"] and Decimal(one["number"]), one["text"])
        for one in given
    }
    findings.same(f"{number}: answers", told, _expected_items(reply, items))
    comments = {one["item"]["label"]["en"]: one["comment"] for one in given if one["comment"]}
    findings.same(f"{number}: comments", comments, dict(reply.comments))
    findings.same(f"{number}: other answers", [o for o in given if o["choice"] or o["day"]], [])
    findings.same(
        f"{number}: the answer in all",
        (
            answer["state"],
            answer["source"],
            answer["contact"]["name"],
            answer["questionnaire"]["template"],
            Decimal(answer["satisfaction"]),
            answer["nps"],
            answer["unhappy"],
        ),
        (
            "SUBMITTED",
            "PAGE",
            _row(northwind, number)["contact_name"],
            "AFTER_SERVICE",
            _satisfaction(reply, items),
            reply.recommends,
            _is_unhappy(reply, items),
        ),
    )


def _check_pages(api: Api, northwind: Northwind, findings: Findings) -> None:
    """The link of an answered invitation says that it was used; the open one still takes answers in its time."""
    for reply in story.REPLIES:
        path = link_mailed_to(api, _email(northwind, reply.customer))
        status, html = api.open_page(str(path))
        page = read_page(html)
        told = (status, page.heading, page.action)
        findings.same(
            f"{reply.customer}: the used link", told, (HTTPStatus.GONE, "This survey has been answered", None)
        )
    (waiting,) = [
        one
        for one in api.ask(INVITATIONS)["surveyInvitations"]["nodes"]
        if one["questionnaire"]["template"] == "AFTER_SALE"
    ]
    over = datetime.fromisoformat(waiting["expiresAt"]) <= datetime.now(UTC)
    if waiting["state"] == "SENT" and not over:
        status, html = api.open_page(str(link_mailed_to(api, waiting["recipient"])))
        page = read_page(html)
        told_open = (status, page.heading, page.action is not None)
        findings.same("the link that nobody used", told_open, (HTTPStatus.OK, "After-sale survey", True))


def _check_analysis(
    api: Api, questionnaire: str, answers: Mapping[str, Any], items: Items, findings: Findings
) -> None:
    """Response rate, satisfaction, NPS and distribution are those of the two answers."""
    days = [date.fromisoformat(answer["submittedAt"][:10]) for answer in answers.values()]
    around = {"from": (min(days) - timedelta(days=2)), "to": (max(days) + timedelta(days=2))}
    asked = {name: day.isoformat() for name, day in around.items()}
    found = api.ask(ANALYSIS, q=questionnaire, **asked)["surveyAnalysis"]
    count = len(story.REPLIES)
    participation = {
        "sent": count,
        "bounced": 0,
        "delivered": count,
        "answered": count,
        "response": {"count": count, "n": count, "value": 1.0},
    }
    total = found["total"]
    findings.same("analysis: participation", total["participation"], participation)
    satisfaction = float(sum(_satisfaction(reply, items) for reply in story.REPLIES) / count)
    findings.same("analysis: satisfaction", total["satisfaction"], {"n": count, "value": satisfaction})
    unhappy = sum(_is_unhappy(reply, items) for reply in story.REPLIES)
    findings.same(
        "analysis: unhappy", total["unhappy"], {"count": unhappy, "n": count, "value": unhappy / count}
    )
    findings.same("analysis: NPS", total["nps"], _nps())
    _check_distribution(total["items"], items, findings)
    comments = {(one["customer"]["number"], one["text"]) for one in found["comments"]}
    said = {
        (reply.customer, text)
        for reply in story.REPLIES
        for text in [*reply.comments.values(), *reply.words.values()]
    }
    findings.same("analysis: comments", comments, said)


def _nps() -> dict[str, Any]:
    scores = [reply.recommends for reply in story.REPLIES]
    promoters = sum(score >= _PROMOTER for score in scores)
    detractors = sum(score < _PASSIVE for score in scores)
    return {
        "n": len(scores),
        "promoters": promoters,
        "passives": len(scores) - promoters - detractors,
        "detractors": detractors,
        "value": 100 * (promoters - detractors) / len(scores),
    }


def _check_distribution(found: Items, items: Items, findings: Findings) -> None:
    said = [_expected_items(reply, items) for reply in story.REPLIES]
    for item in found:
        label = item["label"]["en"]
        findings.same(f"analysis: answers to {label!r}", item["n"], sum(label in one for one in said))
        if item["kind"] == "LEVEL":
            levels = [one[label][0] for one in said]
            expected = {code: levels.count(code) for code in CODES.values()}
            told = {one["code"]: one["count"] for one in item["levels"]["distribution"]}
            findings.same(f"analysis: levels of {label!r}", told, expected)


def opened_by_the_unhappy(requests: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request that the unhappy answer of the story opened."""
    for request in requests.values():
        if (request["channel"], request["customer"]["number"]) == ("SURVEY", story.UNHAPPY.customer):
            return dict(request)
    return None


def _check_unhappy(
    requests: Mapping[str, Any], figures: Figures, northwind: Northwind, findings: Findings
) -> None:
    """The unhappy answer opened one request for the customer's owner, with a deadline, saying what was wrong."""
    request = opened_by_the_unhappy(requests)
    if request is None:
        findings.same("the unhappy customer's request", None, "one request")
        return
    owners = {row["employee_id"]: email_of(row) for row in northwind.employees}
    findings.same(
        "the unhappy customer's request",
        (request["kind"], request["priority"], request["owner"]["email"], request["contact"]["name"]),
        (
            "COMPLAINT",
            "NORMAL",
            owners[figures.owners[story.UNHAPPY.customer]],
            _row(northwind, story.UNHAPPY.customer)["contact_name"],
        ),
    )
    for words in story.UNHAPPY.comments.values():
        findings.same(f"the request tells {words!r}", words in request["description"], expected=True)
    first_answer, solution = BY_PRIORITY["NORMAL"]
    check_clocks(request, (first_answer, min(solution, UNHAPPY_MINUTES)), findings)

"""Northwind's surveys: put in force, sent out by what happened today, answered by the customers themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from kedang_workers.demo import story
from kedang_workers.demo.browsing import Customers, customers
from kedang_workers.demo.client import Api, Unexpected, wait_for
from kedang_workers.demo.data import Northwind
from kedang_workers.demo.figures import contact_email_of
from kedang_workers.demo.looking import customer_by_number, day_of, product_id, today
from kedang_workers.demo.story import Reply

IN_USE: Final = ("AFTER_SERVICE", "AFTER_SALE")
INVITES: Final = "Northwind Traders asks for your opinion"
REMINDS: Final = f"A reminder: {INVITES}"

_QUESTIONNAIRES: Final = """
{
  questionnaires(first: 50) {
    nodes { id name template active currentVersionId versions(where: {state: {eq: DRAFT}}) { nodes { id } } }
  }
}"""
INVITATIONS: Final = """
{
  surveyInvitations(first: 50) {
    nodes {
      id subject state skippedBecause recipient language channel sentAt answeredAt expiresAt remindedAt
      customer { number } contact { name } questionnaire { template }
    }
  }
}"""

Echo = Callable[[str], None]


def put_surveys_in_force(api: Api, echo: Echo) -> None:
    """Publish and activate the two templates that something sends out; what was answered after a service stands."""
    for questionnaire in api.ask(_QUESTIONNAIRES)["questionnaires"]["nodes"]:
        if questionnaire["template"] not in IN_USE:
            continue
        if questionnaire["currentVersionId"] is None:
            api.change(
                "mutation ($i: PublishQuestionnaireVersionInput!) {"
                " publishQuestionnaireVersion(input: $i) { userErrors { path message } } }",
                i={"id": questionnaire["versions"]["nodes"][0]["id"]},
            )
        if not questionnaire["active"]:
            echo(f"“{questionnaire['name']['en']}” is published, and sent out from now on")
            final = {"editHours": 0} if questionnaire["template"] == "AFTER_SERVICE" else {}
            api.change(
                "mutation ($i: UpdateQuestionnaireInput!) {"
                " updateQuestionnaire(input: $i) { userErrors { path message } } }",
                i={"id": questionnaire["id"], "active": True, **final},
            )


def sell(api: Api, echo: Echo) -> None:
    """The order of today, and its delivery, which the customer receives today."""
    sold, day = story.TODAYS, today().isoformat()
    customer = customer_by_number(api, sold.customer)
    if _order(api) is None:
        echo(f"{customer['name']} orders today ({sold.number}) and receives it the same day")
        lines = [
            {"productId": product_id(api, product), "quantity": quantity, "unitPrice": price}
            for product, quantity, price in sold.lines
        ]
        order = {"number": sold.number, "customerId": customer["id"], "orderedOn": day, "currency": "USD"}
        api.change(
            "mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) { userErrors { path message } } }",
            i={"order": {**order, "sellerId": customer["owner"]["id"]}, "lines": lines},
        )
    found = _order(api)
    assert found is not None
    if not found["deliveries"]["nodes"]:
        api.change(
            "mutation ($i: CreateDeliveryInput!) { createDelivery(input: $i) { userErrors { path message } } }",
            i={
                "number": sold.delivery,
                "orderId": found["id"],
                "carrier": sold.carrier,
                "state": "SHIPPED",
                "shippedOn": day,
            },
        )
    _receive(api, day)


def _order(api: Api) -> Mapping[str, Any] | None:
    nodes = api.ask(
        "query ($n: String!) { orders(where: {number: {eq: $n}}) {"
        " nodes { id state deliveries { nodes { id state } } } } }",
        n=story.TODAYS.number,
    )["orders"]["nodes"]
    return nodes[0] if nodes else None


def _receive(api: Api, day: str) -> None:
    order = _order(api)
    assert order is not None
    (delivery,) = order["deliveries"]["nodes"]
    if delivery["state"] != "RECEIVED":
        api.change(
            "mutation ($i: UpdateDeliveryInput!) { updateDelivery(input: $i) { userErrors { path message } } }",
            i={"id": delivery["id"], "state": "RECEIVED", "deliveredOn": day},
        )
    if order["state"] != "DELIVERED":
        api.change(
            "mutation ($i: UpdateOrderInput!) { updateOrder(input: $i) { userErrors { path message } } }",
            i={"id": order["id"], "state": "DELIVERED"},
        )


def let_customers_answer(api: Api, northwind: Northwind, echo: Echo) -> None:
    """Wait for the invitations and let two of the three customers answer; the third does not (yet)."""
    silent = [reply for reply in story.REPLIES if not _is_answered(api, reply)]
    if not silent:
        return
    closed = len(story.RESULTS)
    made = wait_for(
        lambda: _sent_out(api, closed + 1),
        what="the invitations to the surveys after three requests and a delivery",
    )
    skipped = [one for one in made if one["state"] == "SKIPPED"]
    echo(
        f"{len(made) - len(skipped)} customers are invited by mail; {len(skipped)} invitation is not sent, since"
        " its contact was invited a moment ago"
    )
    with customers(str(api.base_url), echo) as people:
        for reply in silent:
            _answer(api, people, northwind, reply, echo)


def _invitations(api: Api) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = api.ask(INVITATIONS)["surveyInvitations"]["nodes"]
    return found


def _sent_out(api: Api, count: int) -> list[Mapping[str, Any]] | None:
    """The invitations, as soon as all are there and none is on its way any more."""
    found = _invitations(api)
    on_its_way = any(one["state"] == "PENDING" for one in found)
    return None if on_its_way or len(found) < count else found


def _answer(api: Api, people: Customers, northwind: Northwind, reply: Reply, echo: Echo) -> None:
    row = next(row for row in northwind.customers if row["customer_id"] == reply.customer)
    email = contact_email_of(row)
    path = str(wait_for(lambda: link_mailed_to(api, email), what=f"the invitation to {email}"))
    way = people.answer(path, reply, echo)
    if not _is_answered(api, reply):
        raise Unexpected(f"{email} answered {way}, but no answer arrived")
    mood = "unhappily" if reply is story.UNHAPPY else "happily"
    echo(f"{row['contact_name']} opens the link of the mail and answers {way}: {mood}")


def _is_answered(api: Api, reply: Reply) -> bool:
    found = api.ask(
        "query ($n: String!) { surveyAnswers(where: {state: {eq: SUBMITTED}, customer: {number: {eq: $n}}}) {"
        " totalCount } }",
        n=reply.customer,
    )
    return bool(found["surveyAnswers"]["totalCount"])


def invitations_mailed_to(api: Api, email: str) -> list[Mapping[str, Any]]:
    """The invitations that an address got, the newest first; reminders are others."""
    return [mail for mail in api.mails_to(email) if mail["subject"] == INVITES]


def link_mailed_to(api: Api, email: str) -> str | None:
    """The path of the answer page in the newest invitation to an address; None as long as there is none."""
    for mail in invitations_mailed_to(api, email):
        for link in mail["links"]:
            path: str = urlsplit(link).path
            if path.startswith("/s/"):
                return path
    return None


def follow_the_unhappy(api: Api, echo: Echo) -> None:
    """Wait for the request that the unhappy answer opens for the customer's owner."""
    opened = wait_for(lambda: _opened(api), what="the request that the unhappy answer opens")
    owner, due = opened["owner"]["name"], day_of(opened["solutionDueAt"])
    echo(f"The unhappy answer opens {opened['number']} for {owner}, due on {due}")


def _opened(api: Api) -> Mapping[str, Any] | None:
    nodes = api.ask(
        "query ($n: String!) { surveyAnswers(where: {customer: {number: {eq: $n}}}) {"
        " nodes { request { number solutionDueAt owner { name } } } } }",
        n=story.UNHAPPY.customer,
    )["surveyAnswers"]["nodes"]
    return nodes[0]["request"] if nodes else None

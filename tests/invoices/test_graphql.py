"""Invoices over GraphQL and by link: who sees them, page by page, and the paper (T4)."""

import httpx
import pytest

from kedang_platform.licensing.billing import Billing
from tests.invoices.conftest import Books
from tests.support.members import make_key, make_member

LIST = """
query ($first: Int! = 20, $after: String) {
  subscriptionInvoices(first: $first, after: $after) {
    nodes { id number kind state isOverdue currency taxRate net tax gross owed issuedOn dueAt paidAt reference payTo
            remark correctsId creditNoteIds seller { name } buyer { name taxNumber address email }
            lines { text quantity unitPrice periodFrom periodTo share net tax gross }
            payments { amount currency valueDate } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
ONE = "query ($id: ID!) { subscriptionInvoice(id: $id) { number owed state } }"
DOWNLOAD = "query ($id: ID!) { subscriptionInvoiceDownload(id: $id, language: EN) { url expiresAt } }"
DETAILS = "{ billingDetails { title taxNumber address email } }"
UPDATE = """
mutation ($input: UpdateBillingDetailsInput!) {
  updateBillingDetails(input: $input) {
    billingDetails { title taxNumber address email } userErrors { path message code }
  }
}
"""


class Desk(Books):
    """The books of a company and its members at the API."""

    def __init__(self, gateway, databases, company):
        super().__init__(databases, company, Billing.of(gateway.services.settings))
        self.gateway = gateway
        self.now = gateway.services.clock.now()

    async def ask(self, *roles, scopes=("read", "write"), language="en"):
        member = await make_member(self.databases, self.company, *roles, seat="FULL")
        key = await make_key(self.databases, member, key=self.gateway.services.identity.key, scopes=scopes)
        return self.gateway.client(key, language=language)


@pytest.fixture
async def desk(gateway, databases, company):
    return await Desk(gateway, databases, company).subscribe()


@pytest.mark.requirement("T4")
async def test_invoices_are_listed_the_newest_first_page_by_page(desk):
    owner = await desk.ask("OWNER")
    first = await desk.issue(1000)
    await desk.receive(first, 1200)
    second = await desk.issue(500)
    note = await desk.credit(second, 100)
    seen, after = [], None
    for _ in range(3):
        page = (await owner(LIST, {"first": 1, "after": after})).data["subscriptionInvoices"]
        seen += page["nodes"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["hasNextPage"] is (len(seen) < 3)
        after = page["pageInfo"]["endCursor"]
    assert [one["number"] for one in seen] == [note.number, second.number, first.number]
    credited, owing, paid = seen
    assert (credited["kind"], credited["correctsId"], credited["gross"]) == ("CREDIT_NOTE", owing["id"], 100)
    assert (owing["state"], owing["gross"], owing["owed"]) == ("OPEN", 500, 200)
    assert owing["creditNoteIds"] == [credited["id"]]
    assert (paid["state"], paid["owed"], paid["taxRate"]) == ("PAID", 0, "0")
    assert paid["payments"] == [
        {"amount": 1200, "currency": "CNY", "valueDate": desk.billing.day_of(desk.now).isoformat()}
    ]
    assert paid["lines"][0] | {"text": ""} == {
        "text": "",
        "quantity": 1,
        "unitPrice": 1000,
        "periodFrom": None,
        "periodTo": None,
        "share": "1",
        "net": 1000,
        "tax": 0,
        "gross": 1000,
    }
    assert (await owner(ONE, {"id": owing["id"]})).data["subscriptionInvoice"] == {
        "number": second.number,
        "owed": 200,
        "state": "OPEN",
    }
    assert (await owner("{ subscriptionCredit }")).data["subscriptionCredit"] == 0
    for wrong in ({"first": 101}, {"first": -1}, {"after": "x"}, {"after": after[:-3]}):
        assert (await owner(LIST, wrong)).codes in (["BAD_USER_INPUT"], ["BAD_CURSOR"])


@pytest.mark.requirement("T4")
@pytest.mark.parametrize(
    ("role", "sees", "fetches", "changes"),
    [
        ("OWNER", True, True, True),
        ("ADMIN", True, True, True),
        ("FINANCE", True, True, False),
        ("GENERAL_MANAGER", True, False, False),
        ("REPRESENTATIVE", False, False, False),
        ("VIEW_ONLY", False, False, False),
    ],
)
async def test_the_policy_of_invoices(desk, role, sees, fetches, changes):
    invoice = await desk.issue(1000)
    public = {"id": f"siv_{invoice.id.hex}"}
    ask = await desk.ask(role)
    for query in (LIST, ONE, DETAILS, "{ subscriptionCredit }"):
        assert (await ask(query, public if query == ONE else {})).codes == ([] if sees else ["FORBIDDEN"])
    assert (await ask(DOWNLOAD, public)).codes == ([] if fetches else ["FORBIDDEN"])
    changed = (await ask(UPDATE, {"input": {"title": "X"}})).data["updateBillingDetails"]
    assert [error["code"] for error in changed["userErrors"]] == ([] if changes else ["FORBIDDEN"])
    assert await desk.value("SELECT count(*) FROM platform.billing_details") == int(changes)


async def test_strangers_see_nothing(desk, gateway):
    for query in (LIST, DETAILS):
        assert (await gateway.client()(query)).codes == ["UNAUTHENTICATED"]
    reader = await desk.ask("OWNER", scopes=("read",))
    assert (await reader(UPDATE, {"input": {"title": "X"}})).codes == ["FORBIDDEN"]
    assert await desk.value("SELECT count(*) FROM platform.billing_details") == 0


@pytest.mark.requirement("T4")
async def test_the_paper_is_fetched_by_a_short_link_and_nothing_else(desk):
    invoice = await desk.issue(1000)
    owner = await desk.ask("OWNER")
    told = (await owner(DOWNLOAD, {"id": f"siv_{invoice.id.hex}"})).data["subscriptionInvoiceDownload"]
    path = told["url"].removeprefix(desk.gateway.services.settings.base_url)
    async with httpx.AsyncClient(base_url=desk.gateway.url) as browser:
        got = [await browser.get(path) for _ in range(2)]
        assert [one.status_code for one in got] == [200, 200]
        assert got[0].content == got[1].content
        assert got[0].content.startswith(b"%PDF-")
        assert got[0].headers["content-type"] == "application/pdf"
        assert f'filename="{invoice.number}.pdf"' in got[0].headers["content-disposition"]
        wrong = await browser.get(path[:-4] + "AAAA")
        assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (403, "LINK_INVALID")


@pytest.mark.requirement("T4", "T7")
async def test_what_stands_on_the_next_invoice_is_changed_piece_by_piece_and_noted(desk):
    owner = await desk.ask("OWNER")
    assert (await owner(DETAILS)).data["billingDetails"] == dict.fromkeys(
        ("title", "taxNumber", "address", "email")
    )
    given = {
        "title": " 上海龙腾  科技有限公司 ",
        "taxNumber": "91310104MA1FR5XX1Y",
        "email": "Fapiao@Longteng.example",
    }
    await owner(UPDATE, {"input": given})
    changed = (await owner(UPDATE, {"input": {"address": "漕溪北路18号", "taxNumber": None}})).data
    assert changed["updateBillingDetails"] == {
        "billingDetails": {
            "title": "上海龙腾 科技有限公司",
            "taxNumber": None,
            "address": "漕溪北路18号",
            "email": "fapiao@longteng.example",
        },
        "userErrors": [],
    }
    assert (await desk.issue(1)).buyer["name"] == "上海龙腾 科技有限公司"
    async with desk.databases.tenant_read(desk.company.ref) as read:
        noted = await read.fetchval("SELECT count(*) FROM audit WHERE action LIKE '%billing_details_changed'")
    assert noted == 2
    for wrong, path, code in (
        ({"title": "x" * 201}, ["input", "title"], "BILLING_DETAIL_TOO_LONG"),
        ({"taxNumber": "x" * 51}, ["input", "taxNumber"], "BILLING_DETAIL_TOO_LONG"),
        ({"title": "Kept?", "email": "nobody"}, ["input", "email"], "INVALID_EMAIL"),
    ):
        told = (await owner(UPDATE, {"input": wrong})).data["updateBillingDetails"]
        assert [(error["path"], error["code"]) for error in told["userErrors"]] == [(path, code)]
    assert (await owner(DETAILS)).data["billingDetails"]["title"] == "上海龙腾 科技有限公司"

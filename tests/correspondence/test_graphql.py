"""The API of correspondence: who mails come from, templates and their preview, the list of suppressed addresses (T10)."""

import pytest

from kedang_tenants.correspondence import sender_of
from tests.support.members import make_key, make_member

IDENTITY = """
mutation ($input: SetMailIdentityInput!) {
  setMailIdentity(input: $input) {
    record { displayName replyTo postalAddress fromAddress version } userErrors { path code message }
  }
}
"""
PREVIEW = """
query ($input: PreviewMailTemplateInput!) {
  mailTemplatePreview(input: $input) { subject text html userErrors { path code } }
}
"""
KINDS = "{ mailTemplateKinds { code label placeholders { name label required } words { language subject body button } } }"
WORDS = {
    "kind": "survey.invitation",
    "language": "ZH_CN",
    "subject": "{company}请您评价",
    "body": "{greeting}\n{link}",
}


async def client(gateway, company, role="OWNER", language="en"):
    databases = gateway.services.databases
    member = await make_member(databases, company, role)
    return gateway.client(
        await make_key(databases, member, key=gateway.services.identity.key), language=language
    )


@pytest.mark.requirement("T10")
async def test_who_mails_come_from_is_set_by_administrators(gateway, company):
    ask = await client(gateway, company)
    values = {
        "displayName": "北风贸易",
        "replyTo": "Sales@Northwind.example",
        "postalAddress": "上海\n南京路 1",
    }
    done = (await ask(IDENTITY, {"input": values})).data["setMailIdentity"]
    assert done["userErrors"] == []
    assert done["record"] == {
        "displayName": "北风贸易",
        "replyTo": "sales@northwind.example",
        "postalAddress": "上海\n南京路 1",
        "fromAddress": None,
        "version": 1,
    }
    again = (await ask(IDENTITY, {"input": {"replyTo": None}})).data["setMailIdentity"]["record"]
    assert (again["displayName"], again["replyTo"], again["version"]) == ("北风贸易", None, 2)
    async with gateway.services.databases.tenant_read(company.ref) as read:
        sender = await sender_of(read, company=company)
    assert sender.footer == (company.name, "上海", "南京路 1")


@pytest.mark.requirement("T10", "T5")
@pytest.mark.parametrize("role", ["GENERAL_MANAGER", "REPRESENTATIVE", "MARKETER"])
async def test_nobody_else_sets_it(gateway, company, role):
    ask = await client(gateway, company, role)
    answer = await ask(IDENTITY, {"input": {"displayName": "Somebody else"}})
    assert [error["code"] for error in answer.data["setMailIdentity"]["userErrors"]] == ["FORBIDDEN"]
    async with gateway.services.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM mail_identity") == 0


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ({"fromAddress": "a@northwind.example"}, ["input", "fromAddress"], "DOMAIN_NOT_ALLOWED"),
        ({"fromAddress": "no-reply@kedang.example"}, ["input", "fromAddress"], "DOMAIN_NOT_ALLOWED"),
        ({"replyTo": "nobody"}, ["input", "replyTo"], "INVALID_EMAIL"),
        ({"replyTo": "李@northwind.example"}, ["input", "replyTo"], "INVALID_EMAIL"),
        ({"replyTo": "sales,boss@bank.example"}, ["input", "replyTo"], "INVALID_EMAIL"),
        ({"replyTo": "sales@northwind.example,x"}, ["input", "replyTo"], "INVALID_EMAIL"),
        ({"displayName": "x" * 101}, ["input", "displayName"], "TOO_LONG"),
    ],
)
async def test_what_cannot_stand_in_a_mail_is_refused(gateway, company, values, path, code):
    ask = await client(gateway, company)
    answer = await ask(IDENTITY, {"input": values})
    (error,) = answer.data["setMailIdentity"]["userErrors"]
    assert (error["path"], error["code"]) == (path, code)
    async with gateway.services.databases.tenant_read(company.ref) as read:
        assert await read.fetchval("SELECT count(*) FROM mail_identity") == 0


@pytest.mark.requirement("T10")
async def test_words_are_looked_at_before_they_are_used(gateway, company):
    ask = await client(gateway, company, "MARKETER")
    shown = (await ask(PREVIEW, {"input": WORDS})).data["mailTemplatePreview"]
    assert shown["subject"] == f"{company.name}请您评价"
    assert "https://kedang.example/s/…" in shown["text"]
    assert '<html lang="zh-CN">' in shown["html"]
    assert shown["userErrors"] == []
    wrong = WORDS | {"subject": "{nme}", "body": "no link"}
    shown = (await ask(PREVIEW, {"input": wrong})).data["mailTemplatePreview"]
    assert shown == {
        "subject": None,
        "text": None,
        "html": None,
        "userErrors": [
            {"path": ["input", "subject"], "code": "UNKNOWN_PLACEHOLDER"},
            {"path": ["input", "body"], "code": "MISSING_PLACEHOLDER"},
        ],
    }
    shown = (await ask(PREVIEW, {"input": WORDS | {"kind": "news"}})).data["mailTemplatePreview"]
    assert shown["userErrors"] == [{"path": ["input", "kind"], "code": "UNKNOWN_MAIL_KIND"}]


async def test_the_kinds_come_with_the_product_s_words(gateway, company):
    ask = await client(gateway, company, "REPRESENTATIVE")
    kinds = (await ask(KINDS)).data["mailTemplateKinds"]
    assert [kind["code"] for kind in kinds] == ["survey.invitation", "survey.reminder", "meeting.minutes"]
    (words,) = [words for words in kinds[0]["words"] if words["language"] == "EN"]
    assert words["subject"] == "{company} asks for your opinion"
    assert [each["name"] for each in kinds[0]["placeholders"] if each["required"]] == ["link"]


@pytest.mark.requirement("T10")
async def test_the_list_of_suppressed_addresses_is_kept_by_administrators(gateway, company):
    ask = await client(gateway, company)
    create = 'mutation { createMailSuppression(input: {address: "A@x.example", note: "asked"}) { record { id address reason putBy { name } } userErrors { code } } }'
    made = (await ask(create)).data["createMailSuppression"]
    assert made["userErrors"] == []
    assert made["record"]["address"] == "a@x.example"
    assert made["record"]["reason"] == "BY_HAND"
    listed = "{ mailSuppressions { nodes { address reason note archivedAt } } }"
    assert (await ask(listed)).data["mailSuppressions"]["nodes"][0]["note"] == "asked"
    marketer = await client(gateway, company, "MARKETER")
    assert (await marketer(listed)).data["mailSuppressions"]["nodes"][0]["address"] is None
    refused = await marketer(create.replace("A@x", "b@x"))
    assert refused.data["createMailSuppression"]["userErrors"] == [{"code": "FORBIDDEN"}]
    representative = await client(gateway, company, "REPRESENTATIVE")
    assert (await representative(listed)).data["mailSuppressions"]["nodes"] == []
    lift = "mutation ($id: ID!) { archiveMailSuppression(input: {id: $id}) { record { archivedAt } userErrors { code } } }"
    lifted = (await ask(lift, {"id": made["record"]["id"]})).data["archiveMailSuppression"]
    assert lifted["record"]["archivedAt"] is not None

"""Who may be written to: statements that stand, the rule of the company, and the one function that decides (T9)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change
from kedang_tenants.customers.consenting import (
    Recipient,
    Statement,
    address_hash,
    decide,
    may_contact,
    recipient,
)
from tests.imports.support import Office
from tests.support.factories import Factory
from tests.support.members import make_key
from tests.support.surveying import customer_with_mail, later, survey

MARIA, ANA = "maria@alfreds.example", "ana@alfreds.example"
CONTACTS = [new_id(), new_id()]
HASHES = ["aa" * 16, "bb" * 16]
statements = st.builds(
    Statement,
    st.sampled_from(["GIVEN", "OPTED_OUT"]),
    st.sampled_from([None, *CONTACTS]),
    st.sampled_from([None, *HASHES]),
)
recipients = st.builds(Recipient, st.sampled_from([None, *CONTACTS]), st.sampled_from([None, *HASHES]))


@pytest.mark.requirement("T9")
@settings(max_examples=200)
@given(whom=recipients, said=st.lists(statements, max_size=6), first=st.booleans(), data=st.data())
def test_an_opt_out_wins_whatever_was_said_before_or_after(whom, said, first, data):
    decided = decide(whom, said, consent_first=first)
    shuffled = data.draw(st.permutations(said))
    assert decide(whom, shuffled, consent_first=first) == decided
    touches = [
        s
        for s in said
        if (s.contact_id and s.contact_id == whom.contact_id)
        or (s.address_hash and s.address_hash == whom.address_hash)
    ]
    if any(s.decision == "OPTED_OUT" for s in touches):
        assert decided == "OPTED_OUT"
    elif not touches:
        assert decided == ("NO_CONSENT" if first else None)
    else:
        assert decided in ({None, "NO_CONSENT"} if first else {None})
    again = decide(
        whom, [*said, Statement("OPTED_OUT", whom.contact_id, whom.address_hash)], consent_first=first
    )
    assert again == ("OPTED_OUT" if whom.contact_id or whom.address_hash else decided)


@pytest.mark.requirement("T9")
def test_a_consent_is_of_one_person_although_they_share_an_address():
    given_by_one = Statement("GIVEN", CONTACTS[0], HASHES[0])
    assert decide(Recipient(CONTACTS[0], HASHES[1]), [given_by_one], consent_first=True) is None
    assert decide(Recipient(CONTACTS[1], HASHES[0]), [given_by_one], consent_first=True) == "NO_CONSENT"
    of_the_address = Statement("GIVEN", None, HASHES[0])
    assert decide(Recipient(CONTACTS[1], HASHES[0]), [of_the_address], consent_first=True) is None


async def asked(shop, *contacts, channel="EMAIL", purpose="SURVEY"):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        emails = {row["id"]: row["email"] for row in await read.fetch("SELECT id, email FROM contact")}
        whom = [recipient(contact_id=c, address=emails[c]) for c in contacts]
        return await may_contact(read, channel=channel, purpose=purpose, recipients=whom)


async def says(shop, decision="OPTED_OUT", *, viewer=None, **values):
    given = {"channel": "EMAIL", "purpose": "SURVEY", "decision": decision} | values
    return await shop.create("contact_consent", viewer=viewer, **given)


@pytest.mark.requirement("T9")
async def test_a_statement_says_who_when_how_and_by_whom_and_withdrawing_it_keeps_it(shop):
    _, maria = await customer_with_mail(shop)
    said_at = shop.clock.now() - timedelta(days=3)
    out = await says(
        shop, contact_id=maria, decided_at=said_at, source="LETTER", evidence="“Please no more surveys”"
    )
    (row,) = await shop.fetch("SELECT * FROM contact_consent")
    assert (row["contact_id"], row["address"], row["decided_at"]) == (maria, MARIA, said_at)
    assert (row["source"], row["evidence"]) == ("LETTER", "“Please no more surveys”")
    assert row["recorded_by_id"] == shop.viewer.member_id
    assert row["address_hash"] == address_hash(" Maria@Alfreds.example")
    assert await asked(shop, maria) == ["OPTED_OUT"]
    assert await asked(shop, maria, purpose="CARE") == [None]
    assert await asked(shop, maria, channel="SMS") == [None]
    await says(shop, "GIVEN", contact_id=maria)
    assert await asked(shop, maria) == ["OPTED_OUT"]
    await shop.archive("contact_consent", out)
    assert await asked(shop, maria) == [None]
    rows = await shop.fetch("SELECT id, archived_at FROM contact_consent ORDER BY id")
    assert [(r["id"] == out, r["archived_at"] is None) for r in rows] == [(True, False), (False, True)]


@pytest.mark.requirement("T9")
async def test_an_address_that_several_have_is_opted_out_for_all_of_them_and_stays_it(shop):
    customer, maria = await customer_with_mail(shop)
    double = await shop.create("contact", customer_id=customer, name="Maria A.", email=MARIA)
    other = await shop.create("contact", customer_id=customer, name="Ana", email=ANA)
    await says(shop, contact_id=maria)
    assert await asked(shop, maria, double, other) == ["OPTED_OUT", "OPTED_OUT", None]
    await shop.update("contact", maria, email="new@alfreds.example")
    assert await asked(shop, maria, double, other) == ["OPTED_OUT", "OPTED_OUT", None]


@pytest.mark.requirement("T9")
async def test_the_company_says_whether_consent_is_needed_first(shop):
    _, maria = await customer_with_mail(shop)
    assert await asked(shop, maria) == [None]
    assert await asked(shop, maria, purpose="CAMPAIGN") == ["NO_CONSENT"]
    rule = await shop.create("consent_rule", channel="EMAIL", purpose="SURVEY", consent_first=True)
    assert await asked(shop, maria) == ["NO_CONSENT"]
    await says(shop, "GIVEN", contact_id=maria)
    assert await asked(shop, maria) == [None]
    await shop.update("consent_rule", rule, consent_first=False)
    await shop.create("consent_rule", channel="EMAIL", purpose="CAMPAIGN", consent_first=False)
    assert await asked(shop, maria, purpose="CAMPAIGN") == [None]
    with pytest.raises(Refused) as twice:
        await shop.create("consent_rule", channel="EMAIL", purpose="SURVEY", consent_first=True)
    assert [e.code for e in twice.value.errors] == ["ALREADY_EXISTS"]


@pytest.mark.requirement("T9")
async def test_statements_by_address_find_their_contact_and_stand_without_one(shop):
    customer, maria = await customer_with_mail(shop)
    await says(shop, address="MARIA@alfreds.example")
    await says(shop, address="nobody@x.example")
    await says(shop, address="030-0074321", channel="PHONE")
    rows = await shop.fetch("SELECT contact_id, address, address_hash FROM contact_consent ORDER BY id")
    assert [(r["contact_id"], r["address"], r["address_hash"] is None) for r in rows] == [
        (maria, MARIA, False),
        (None, "nobody@x.example", False),
        (None, "030-0074321", True),
    ]
    late = await shop.create("contact", customer_id=customer, name="Nobody", email="nobody@x.example")
    assert await asked(shop, late) == ["OPTED_OUT"]


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({}, "REQUIRED", ("input", "contactId")),
        ({"address": "no address"}, "INVALID_EMAIL", ("input", "address")),
        (
            {"address": "a@x.example", "decided_at": datetime(2026, 3, 3, tzinfo=UTC)},
            "IN_FUTURE",
            ("input", "decidedAt"),
        ),
    ],
)
async def test_what_says_nothing_of_anybody_is_refused(shop, values, code, path):
    with pytest.raises(Refused) as refused:
        await says(shop, **values)
    assert [(e.code, e.path) for e in refused.value.errors] == [(code, path)]
    assert await shop.value("SELECT count(*) FROM contact_consent") == 0


@pytest.mark.requirement("T9")
async def test_members_speak_for_contacts_within_their_reach_only_and_withdraw_nothing(shop):
    mine = await shop.hire("Rep", "REPRESENTATIVE")
    viewer = await shop.as_member(mine)
    _, maria = await customer_with_mail(shop)
    _, ana = await customer_with_mail(shop, "Own", ANA, owner_id=mine)
    out = await says(shop, viewer=viewer, contact_id=ana)
    for values in ({"contact_id": maria}, {"address": MARIA}):
        with pytest.raises(Refused):
            await says(shop, viewer=viewer, **values)
    with pytest.raises(Refused) as refused:
        await shop.change(Change("contact_consent", "archive", out), viewer=viewer)
    assert [e.code for e in refused.value.errors] == ["FORBIDDEN"]
    assert await asked(shop, maria, ana) == [None, "OPTED_OUT"]


@pytest.mark.requirement("T9")
async def test_surveys_leave_out_who_wants_none_and_say_why(shop):
    asked_by = await survey(shop, cooldown_days=0)
    customer, maria = await customer_with_mail(shop)
    ana = await shop.create("contact", customer_id=customer, name="Ana", email=ANA)
    await says(shop, contact_id=maria)
    await asked_by.send(contact_ids=[maria, ana])
    await shop.work()
    rows = {r["contact_id"]: (r["state"], r["skipped_because"]) for r in await asked_by.invitations()}
    assert rows == {maria: ("SKIPPED", "OPTED_OUT"), ana: ("PENDING", None)}
    assert (shop.mails_to(MARIA), len(shop.mails_to(ANA))) == ([], 1)


@pytest.mark.requirement("T9")
async def test_without_consent_where_it_is_needed_nobody_is_asked(shop):
    await shop.create("consent_rule", channel="EMAIL", purpose="SURVEY", consent_first=True)
    asked_by = await survey(shop, cooldown_days=0)
    _, maria = await customer_with_mail(shop)
    await asked_by.send(contact_ids=[maria])
    await shop.work()
    invitation = await asked_by.invitation()
    assert (invitation["state"], invitation["skipped_because"]) == ("SKIPPED", "NO_CONSENT")
    assert shop.mails_to(MARIA) == []


@pytest.mark.requirement("T9")
async def test_an_opt_out_between_planning_and_sending_is_obeyed(shop):
    asked_by = await survey(shop, cooldown_days=0)
    _, maria = await customer_with_mail(shop)
    await asked_by.send(contact_ids=[maria], send_at=shop.clock.now() + timedelta(days=1))
    await shop.work()
    assert (await asked_by.invitation())["state"] == "PENDING"
    await says(shop, contact_id=maria)
    await later(shop, days=1, minutes=1)
    invitation = await asked_by.invitation()
    assert (invitation["state"], invitation["skipped_because"]) == ("SKIPPED", "OPTED_OUT")
    assert shop.mails_to(MARIA) == []


@pytest.mark.requirement("T9")
async def test_a_mail_that_waits_for_the_mail_server_is_withheld(shop):
    """The opt-out arrives when the mail stands in the outbox already."""
    asked_by = await survey(shop, cooldown_days=0)
    _, maria = await customer_with_mail(shop)
    await asked_by.send(contact_ids=[maria])
    await shop.work()
    await shop.work()
    async with shop.databases.control() as control:
        await control.fetch(
            "UPDATE platform.mail SET state = 'queued', unsubscribe = $1", await link_of(shop, maria)
        )
        await control.fetch(
            "UPDATE work.job SET state = 'waiting', attempt = 0, tries = 0, finished_at = NULL WHERE kind = 'mail.send'"
        )
    for mail in (shop.settings.var / "mail").iterdir():
        mail.unlink()
    await says(shop, contact_id=maria)
    await later(shop, minutes=1)
    await later(shop, minutes=1)  # what became of the mail is looked for after it
    async with shop.databases.control_read() as control:
        (row,) = await control.fetch("SELECT state, text, unsubscribe FROM platform.mail")
    assert (row["state"], row["text"], row["unsubscribe"]) == ("withheld", "", None)
    assert shop.mails_to(MARIA) == []
    invitation = await asked_by.invitation()
    assert (invitation["state"], invitation["skipped_because"]) == ("SKIPPED", "OPTED_OUT")


async def link_of(shop, contact):
    from kedang_platform.secrets import load_secret_key
    from kedang_tenants.customers.unsubscribing import Unsubscription, unsubscribe_link

    return unsubscribe_link(
        load_secret_key(shop.settings),
        base_url="https://kedang.example",
        company=shop.company,
        unsubscription=Unsubscription(Recipient(contact, address_hash(MARIA)), "SURVEY"),
    )


@pytest.mark.requirement("T9")
async def test_who_opts_out_is_not_reminded(shop):
    asked_by = await survey(shop, cooldown_days=0, remind_after_days=3)
    _, maria = await customer_with_mail(shop)
    await asked_by.send(contact_ids=[maria])
    await later(shop, seconds=10)
    await later(shop, seconds=10)
    assert (await asked_by.invitation())["state"] == "SENT"
    await says(shop, contact_id=maria)
    await shop.change(
        Change(
            "survey_invitation", "update", (await asked_by.invitation())["id"], values={"reminded_at": None}
        ),
        internally=True,
    )
    shop.clock.move(timedelta(days=4))
    async with shop.databases.tenant_write(shop.company.ref) as write:
        from kedang_tenants.surveys.reminding import remind_part

        part = await remind_part(write, await shop.product(), after=None, clock=shop.clock)
    assert (part.seen, part.changed) == (1, 0)
    await shop.work()
    assert len(shop.mails_to(MARIA)) == 1


@pytest.fixture
async def office(databases, database_settings, company, tmp_path):
    return await Office.open(databases, database_settings, company, tmp_path)


@pytest.mark.requirement("T9", "A9")
async def test_opt_outs_come_in_a_file_by_their_address_and_are_read_with_the_contact(office, gateway):
    factory = Factory(office.databases, office.company)
    contact = await factory.one("contact", email=MARIA)
    content = (
        "address,channel,purpose,decision,source,evidence\n"
        f"{MARIA.upper()},EMAIL,CAMPAIGN,Opted out,Taken over from a file,Newsletter list\n"
        "gone@x.example,EMAIL,CAMPAIGN,OPTED_OUT,FILE,\n"
        "no address,EMAIL,CAMPAIGN,OPTED_OUT,FILE,\n"
    )
    done = await office.imports("contact_consent", content, mode="CREATE")
    assert (done.state, done.counts[0], done.counts[3]) == ("DONE", 2, 1)
    again = await office.imports("contact_consent", content, mode="CREATE")
    assert (again.counts[0], again.counts[3]) == (0, 3)
    key = await make_key(office.databases, office.member, key=gateway.services.identity.key)
    asked = await gateway.client(bearer=key)(
        "query ($id: ID!) { contact(id: $id) { consents { nodes { channel decision evidence recordedBy { name } } } } }",
        {"id": f"con_{contact.hex}"},
    )
    assert asked.data["contact"]["consents"]["nodes"] == [
        {
            "channel": "EMAIL",
            "decision": "OPTED_OUT",
            "evidence": "Newsletter list",
            "recordedBy": {"name": "Nancy Davolio"},
        }
    ]

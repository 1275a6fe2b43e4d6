"""The inbox over GraphQL: one's own notices and choices, and nobody else's (T10)."""

import pytest

from kedang_platform.ids import new_id
from kedang_tenants.people.notices import KINDS
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.viewers import system_viewer
from tests.support.digests import digests
from tests.support.members import make_key, make_member

INBOX = "{ inbox { unread undelivered choices { kind channel webhook chosen } } }"
UNREAD = "{ notices(where: {readAt: {isNull: true}}) { totalCount nodes { id title kind about channel mailState } } }"
ALL = """
mutation ($input: MarkAllNoticesReadInput!) {
  markAllNoticesRead(input: $input) { marked inbox { unread } userErrors { path code } }
}"""
ONE = """
mutation ($id: ID!) { markNoticeRead(input: {id: $id}) { record { readAt } userErrors { path code } } }"""
CHOOSE = """
mutation ($kind: NoticePreferenceKind!, $channel: NoticePreferenceChannel!) {
  setNoticePreference(input: {kind: $kind, channel: $channel}) {
    record { id kind channel member { name } } userErrors { path code }
  }
}"""
CHOICES = "{ noticePreferences { nodes { kind channel member { name } } } }"


class People:
    """Members of a company who ask, each by a key of their own."""

    def __init__(self, gateway, company):
        self.gateway = gateway
        self.company = company
        self.databases = gateway.services.databases
        self.members = {}

    async def client(self, *roles, name, **member):
        made = await make_member(self.databases, self.company, *roles, name=name, **member)
        self.members[name] = made
        key = await make_key(self.databases, made, key=self.gateway.services.identity.key)
        return self.gateway.client(key)

    async def tell(self, name, count=1):
        tellings = [
            Telling(
                "REQUEST_ASSIGNED",
                self.members[name].id,
                new_id().hex,
                "Request {n}",
                "Of {n}",
                {"n": n},
                about=("customer", new_id()),
            )
            for n in range(count)
        ]
        async with self.databases.tenant_write(self.company.ref) as write:
            viewer = await system_viewer(write, company=self.company)
            assert await tell(write, viewer, tellings, clock=self.gateway.services.clock) == count


@pytest.fixture
def people(gateway, company):
    return People(gateway, company)


async def unread(ask):
    found = (await ask(UNREAD)).data["notices"]
    inbox = (await ask(INBOX)).data["inbox"]
    assert found["totalCount"] == len(found["nodes"]) == inbox["unread"]
    return found["nodes"]


@pytest.mark.requirement("T10", "I1")
async def test_everybody_sees_their_own_notices_and_nobody_else_s(people):
    owner = await people.client("OWNER", name="Andrew Fuller")
    nancy = await people.client("SERVICE_AGENT", name="Nancy Davolio")
    await people.tell("Nancy Davolio", 3)
    notices = await unread(nancy)
    assert {notice["kind"] for notice in notices} == {"REQUEST_ASSIGNED"}
    assert all(notice["about"].startswith("cus_") for notice in notices)
    assert {(n["channel"], n["mailState"]) for n in notices} == {("EMAIL", "QUEUED")}
    assert await unread(owner) == []

    before = await digests(people.databases, people.company.ref)
    refused = (await owner(ONE, {"id": notices[0]["id"]})).data["markNoticeRead"]
    assert refused == {"record": None, "userErrors": [{"path": ["input", "id"], "code": "NOT_FOUND"}]}
    refused = (await owner(ALL, {"input": {"upTo": notices[0]["id"]}})).data["markAllNoticesRead"]
    assert refused == {
        "marked": None,
        "inbox": None,
        "userErrors": [{"path": ["input", "upTo"], "code": "NOT_FOUND"}],
    }
    assert await digests(people.databases, people.company.ref) == before


async def test_reading_one_and_all(people):
    nancy = await people.client("SERVICE_AGENT", name="Nancy Davolio")
    owner = await people.client("OWNER", name="Andrew Fuller")
    await people.tell("Nancy Davolio", 3)
    await people.tell("Andrew Fuller")
    notices = await unread(nancy)
    assert (await nancy(ONE, {"id": notices[0]["id"]})).data["markNoticeRead"]["userErrors"] == []
    assert len(await unread(nancy)) == 2
    done = (await nancy(ALL, {"input": {}})).data["markAllNoticesRead"]
    assert done == {"marked": 2, "inbox": {"unread": 0}, "userErrors": []}
    assert (await nancy(ALL, {"input": {}})).data["markAllNoticesRead"]["marked"] == 0
    assert len(await unread(owner)) == 1


@pytest.mark.parametrize("given", ["not_0", "cus_" + "0" * 32, ""])
async def test_what_is_no_notice_is_not_found(people, given):
    nancy = await people.client("SERVICE_AGENT", name="Nancy Davolio")
    await people.tell("Nancy Davolio")
    done = (await nancy(ALL, {"input": {"upTo": given}})).data["markAllNoticesRead"]
    assert (done["marked"], [error["code"] for error in done["userErrors"]]) == (None, ["NOT_FOUND"])
    assert len(await unread(nancy)) == 1


@pytest.mark.requirement("T10")
async def test_one_chooses_how_one_is_told_and_nobody_else_is_concerned(people):
    nancy = await people.client("SERVICE_AGENT", name="Nancy Davolio")
    owner = await people.client("OWNER", name="Andrew Fuller")
    done = (await nancy(CHOOSE, {"kind": "REQUEST_ASSIGNED", "channel": "INBOX"})).data["setNoticePreference"]
    assert done["userErrors"] == []
    assert done["record"]["member"] == {"name": "Nancy Davolio"}
    choices = {c["kind"]: c for c in (await nancy(INBOX)).data["inbox"]["choices"]}
    assert set(choices) == {option.code for option in KINDS}
    assert choices["REQUEST_ASSIGNED"] == {
        "kind": "REQUEST_ASSIGNED",
        "channel": "INBOX",
        "webhook": True,
        "chosen": True,
    }
    assert choices["REPORT_READY"] == {
        "kind": "REPORT_READY",
        "channel": "EMAIL",
        "webhook": True,
        "chosen": False,
    }
    own = [{"kind": "REQUEST_ASSIGNED", "channel": "INBOX", "member": {"name": "Nancy Davolio"}}]
    assert (await nancy(CHOICES)).data["noticePreferences"]["nodes"] == own
    assert (await owner(CHOICES)).data["noticePreferences"]["nodes"] == []
    assert not any(c["chosen"] for c in (await owner(INBOX)).data["inbox"]["choices"])
    await people.tell("Nancy Davolio")
    (notice,) = await unread(nancy)
    assert (notice["channel"], notice["mailState"]) == ("INBOX", None)


async def test_an_onlooker_without_a_seat_has_an_inbox_too(people):
    watching = await people.client("VIEW_ONLY", name="Anne Dodsworth", seat="VIEW_ONLY")
    await people.tell("Anne Dodsworth", 2)
    assert len(await unread(watching)) == 2
    assert (await watching(ALL, {"input": {}})).data["markAllNoticesRead"]["marked"] == 2
    chosen = (await watching(CHOOSE, {"kind": "REPORT_READY", "channel": "DIGEST"})).data
    assert chosen["setNoticePreference"]["record"]["channel"] == "DIGEST"


async def test_a_kind_or_channel_that_there_is_not_is_refused(people):
    nancy = await people.client("SERVICE_AGENT", name="Nancy Davolio")
    before = await digests(people.databases, people.company.ref)
    for kind, channel in (("REQUEST_ASSIGNED", "PIGEON"), ("WEATHER", "EMAIL")):
        answer = await nancy(CHOOSE, {"kind": kind, "channel": channel})
        assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert await digests(people.databases, people.company.ref) == before

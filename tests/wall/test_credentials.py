"""Every verb asks who it is that asks: nobody, or a key that only reads, changes nothing by any of them."""

import pytest
from graphql import get_named_type

from kedang_graphql.schema import build_gateway
from tests.support.digests import PLATFORM, digests
from tests.support.gateway import GraphQLAnswer
from tests.support.members import make_key, make_member
from tests.support.telling import say
from tests.wall.positions import selection
from tests.wall.sides import BATCHES, SPECIAL, Side, make_side

CORE = build_gateway().core
# What people do before they are signed in; what these may and may not do is tested where they stand.
FOR_ANYBODY = {
    "signUp",
    "confirmEmail",
    "signIn",
    "completeSignIn",
    "confirmEmailChange",
    "requestPasswordReset",
    "resetPassword",
    "acceptInvitation",
}
# An onlooker has an inbox, too, and the sessions of everybody are their own.
FOR_ONLOOKERS = {
    "signOut",
    "markNoticeRead",
    "markAllNoticesRead",
    "setNoticePreference",
    "setNoticeTimes",
    "makeCalendarAddress",  # of one's own calendar, in which stands what one may read
}
WITHOUT_IDS = {
    "buySeats": {"seats": 1, "interval": "MONTHLY"},
    "addSeats": {"seats": 1},
    "removeSeatsAtPeriodEnd": {"seats": 1},
    "keepSeats": None,
    "changeInterval": {"interval": "YEARLY"},
    "exportRecords": {"record": "customer"},
    "makeDailyReport": {"day": "2024-01-02"},
    "sendFollowUpReminders": {"date": "2024-01-02"},
    "createApiKey": {"name": "x", "scopes": ["READ", "WRITE"]},
    "inviteMember": {
        "email": "x@northwind.example",
        "name": "X",
        "roles": ["MARKETER"],
        "seat": "VIEW_ONLY",
    },
    "setNoticeTimes": {"quietFrom": "21:30", "quietUntil": "07:00"},
    "setNoticePreference": {"kind": "SEATS_CONFIRMED", "channel": "DIGEST"},
    "signOut": None,
    "reauthenticate": {"password": "x"},
    "changePassword": {"currentPassword": "x", "password": "vier Pferde im Regen"},
    "requestEmailChange": {"email": "x@northwind.example"},
    "startTwoFactor": None,
    "confirmTwoFactor": {"code": "123456"},
    "disableTwoFactor": None,
    "renewRecoveryCodes": None,
    "requireTwoFactor": {"required": True},
    "endOtherSessions": None,
    "setApprovalFlow": {"kind": "rule.version", "steps": [], "limits": []},
    "updateBillingDetails": {"title": "Northwind"},
    "exportCompany": None,
    "deleteCompany": {"confirmName": "Northwind Traders"},
    "keepCompany": None,
    "makeCalendarAddress": None,
    "createSegment": {"name": "Berlin", "where": {"city": {"eq": "Berlin"}}},
    "measureRfm": {},
    "openCompany": {
        "companyName": "Boston Crab",
        "country": "US",
        "language": "en",
        "timeZone": "America/New_York",
        "currency": "USD",
    },
    "setMailIdentity": {"displayName": "Northwind"},
    "draftRule": {"kind": "customer.bad", "content": {"criteria": []}},
}


DAY = '"2024-01-02"'
SOMETHING = {
    "AccessAction!": "SEE",
    "[ID!]!": '["x"]',
    "ProfitGrouping!": "MONTH",
    "ReportQuestionInput!": "{ kind: CUSTOMER_LIST }",
    "PreviewMailTemplateInput!": '{ kind: "survey.invitation", language: EN, subject: "x", body: "{link}" }',
}
"""What arguments that must be given are given; a day serves all others."""


def mutation(name: str) -> str:
    field = CORE.mutation_type.fields[name]
    inside = selection(CORE, get_named_type(field.type).name)
    if not field.args:
        return f"mutation {{ {name} {{ {inside} }} }}"
    (argument,) = (each for each in ("input", "inputs") if each in field.args)
    return f"mutation (${argument}: {field.args[argument].type}) {{ {name}({argument}: ${argument}) {{ {inside} }} }}"


async def taken(side: Side, name: str) -> dict[str, object]:
    """The arguments of a verb as they would be taken of somebody who may."""
    if name in BATCHES:
        return {"inputs": [await side.input_of(BATCHES[name])]}
    return {"input": WITHOUT_IDS[name] if name in WITHOUT_IDS else await side.input_of(name)}


def refusals(answer: GraphQLAnswer, name: str) -> set[str]:
    """The codes with which a verb was refused, at the top or in its payload, which then brings nothing else."""
    payload = (answer.body.get("data") or {}).get(name) or {}
    told = payload.pop("userErrors", [])
    assert not any(any(value) if isinstance(value, list) else value for value in payload.values()), payload
    return {*answer.codes, *(error["code"] for error in told)}


@pytest.mark.requirement("T5", "A11", "I1")
async def test_no_verb_serves_nobody_or_a_key_that_only_reads(gateway):
    side = await make_side(gateway, "Northwind Traders")
    databases, company = side.factory.databases, side.factory.company
    key = await make_key(databases, side.owner, key=gateway.services.identity.key, scopes=("read",))
    onlooker = await make_member(databases, company, "VIEW_ONLY", seat="VIEW_ONLY")
    watching = gateway.client(await make_key(databases, onlooker, key=gateway.services.identity.key))
    verbs = [name for name in CORE.mutation_type.fields if name not in FOR_ANYBODY]
    everything = {name: await taken(side, name) for name in verbs}
    before = await digests(databases, company.ref, besides=("work.job", *PLATFORM))
    for name, given in everything.items():
        for client, code in ((gateway.client(), "UNAUTHENTICATED"), (gateway.client(key), "FORBIDDEN")):
            answer = await client(mutation(name), given)
            assert refusals(answer, name) == {code}, (name, answer.body)
        if name not in FOR_ONLOOKERS:
            answer = await watching(mutation(name), given)
            assert refusals(answer, name), (name, answer.body)
    assert await digests(databases, company.ref, besides=("work.job", *PLATFORM)) == before
    say(f"{len(verbs)} verbs tried")
    assert len(verbs) == len(CORE.mutation_type.fields) - len(FOR_ANYBODY)
    assert set(SPECIAL) | FOR_ANYBODY <= set(CORE.mutation_type.fields)


# What stands on the page where people sign in.
TOLD_TO_ANYBODY = {"identityProviders"}


@pytest.mark.requirement("T5", "I1")
async def test_no_query_serves_nobody(gateway, company):
    anybody = gateway.client()
    for name, field in CORE.query_type.fields.items():
        given = ", ".join(
            f"{argument}: {SOMETHING.get(str(value.type), DAY)}"
            for argument, value in field.args.items()
            if str(value.type).endswith("!")
            and value.default_value is not None
            and str(value.type) in {"ID!", "String!", "Date!", "JSON!", *SOMETHING}
        )
        if name in TOLD_TO_ANYBODY:
            continue
        kind = get_named_type(field.type)
        inside = "{ __typename }" if hasattr(kind, "fields") else ""
        answer = await anybody(f"{{ {name}{f'({given})' if given else ''} {inside} }}")
        assert answer.codes == ["UNAUTHENTICATED"], (name, answer.body)
        assert not any((answer.body.get("data") or {}).values()), name

"""Two companies that have the same things, each with everything that an id can name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kedang_graphql.engine.verbs import batch_name
from kedang_platform.identity.openid.id_token import Claims
from kedang_platform.identity.openid.linking import link
from kedang_platform.identity.sessions import start_session
from kedang_platform.ids import new_id
from kedang_platform.licensing.seats import subscribe
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.opening.criteria import CHECKLISTS
from tests.imports.test_api import START, upload
from tests.support.database import make_company
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient, RunningGateway
from tests.support.members import TestMember, make_member

PASSWORD = "vier Pferde im Regen"
Input = dict[str, Any]
# References that have to be of the same customer, or of the same version, as the record.
_OF_THE_SAME: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "follow_up_record": ("customer_id", {"contact_id": "contact", "plan_id": "follow_up_plan"}),
    "service_request": (
        "customer_id",
        {"contact_id": "contact", "order_id": "order", "owned_product_id": "owned_product"},
    ),
    "repair_record": ("customer_id", {"request_id": "service_request", "owned_product_id": "owned_product"}),
    "follow_up_plan": ("customer_id", {"contact_id": "contact"}),
    "contract": ("customer_id", {"order_id": "order"}),
    "demand": ("customer_id", {"order_id": "order"}),
    "invoice": ("customer_id", {"order_id": "order"}),
    "quotation": ("customer_id", {"demand_id": "demand"}),
    "owned_product": ("customer_id", {"order_id": "order"}),
    "survey_item": ("version_id", {"parent_id": "survey_item"}),
}


@dataclass
class Side:
    """One company: its owner, who is signed in, and one id of everything (``ids``, by how they begin)."""

    gateway: RunningGateway
    factory: Factory
    owner: TestMember
    ask: GraphQLClient
    ids: dict[str, str] = field(default_factory=dict)

    # Making things

    async def filled(self, record: RecordType, *, writable: bool = False) -> dict[str, Any]:
        """Values in which every reference points to something of this company."""
        values: dict[str, Any] = {}
        for found in record.fields.values():
            if found.target is None or (writable and found.spec.read_only):
                continue
            if found.target == "member":
                values[found.name] = self.owner.id
            else:
                values[found.name] = await self.factory.one(found.target)
        shared, others = _OF_THE_SAME.get(record.name, ("", {}))
        for name, target in others.items():
            if writable and record.fields[name].spec.read_only:
                continue
            values[name] = await self.factory.one(target, **{shared: values[shared]})
        if record.name == "meeting_attendee":
            values["contact_id"] = await self.factory.one(
                "contact", customer_id=await self.customer_of("meeting", values["meeting_id"])
            )
        if "visit_form_id" in values:
            values["visit_form_id"] = await self.factory.one("visit_form", member_id=self.owner.id)
        if record.name == "custom_field":
            values["record"] = "follow_up_record"  # which has forms by class of customer
        if record.name == "survey_item":
            values["kind"] = "TEXT"  # under a heading
        return values

    async def customer_of(self, table: str, record_id: UUID) -> UUID:
        async with self.factory.databases.tenant_read(self.factory.company.ref) as read:
            found: UUID = await read.fetchval(f"SELECT customer_id FROM {table} WHERE id = $1", record_id)
        return found

    async def fresh(self, name: str, *, archived: bool = False) -> str:
        """A new record with all references, by its public id."""
        record = catalogue().record(name)
        if name in STATED:
            public = await STATED[name](self)
            if archived:
                await self.factory.archive(name, UUID(public.partition("_")[2]))
            return public
        (made,) = await self.factory.many(name, [await self.filled(record)])
        if archived:
            await self.factory.archive(name, made)
        return self.public(name, made)

    def public(self, name: str, record_id: UUID) -> str:
        return f"{catalogue().record(name).prefix}_{record_id.hex}"

    # Inputs of mutations with ids of this company's own things in every place

    async def input_of(self, mutation: str) -> Input:
        """The ``input`` of a mutation that would be taken."""
        special = SPECIAL.get(mutation)
        if special is not None:
            return await special(self)
        action, record = _generic(mutation)
        if action == "create":
            given = await self.filled(record, writable=True)
            return self.written(record, await self.factory.complete(record, given))
        if action == "update":
            given = await self.filled(record, writable=True)
            kept = {n: v for n, v in given.items() if not record.fields[n].spec.create_only}
            if record.name in _OF_THE_SAME:
                made = await self.factory.one(record.name, **given)
                return {"id": self.public(record.name, made), **self.written(record, kept)}
            return {"id": await self.fresh(record.name), **self.written(record, kept)}
        return {"id": await self.fresh(record.name, archived=action == "restore")}

    def written(self, record: RecordType, values: Mapping[str, Any]) -> Input:
        return {
            record.fields[name].api_name: self._written(record.fields[name].target, value)
            for name, value in values.items()
        }

    def _written(self, target: str | None, value: Any) -> Any:
        match value:
            case UUID():
                assert target is not None
                return self.public(target, value)
            case datetime() | date():
                return value.isoformat()
            case Decimal():
                return str(value)
        return value


async def _consent(side: Side) -> str:
    """A statement that the owner noted: the product notes none by itself."""
    ask = """
    mutation ($input: CreateContactConsentInput!) {
      createContactConsent(input: $input) { record { id } userErrors { path code } }
    }"""
    given = {
        "contactId": await side.fresh("contact"),
        "channel": "PHONE",
        "purpose": "CARE",
        "decision": "GIVEN",
    }
    made = (await side.ask(ask, {"input": given})).data["createContactConsent"]
    assert made["userErrors"] == []
    return str(made["record"]["id"])


async def _consent_rule(side: Side) -> str:
    """There is one of each channel and purpose: the one that there is goes first."""
    async with side.factory.databases.tenant_read(side.factory.company.ref) as read:
        found = await read.fetch("SELECT id FROM consent_rule WHERE archived_at IS NULL")
    await side.factory.archive("consent_rule", *(row["id"] for row in found))
    return side.public("consent_rule", await side.factory.one("consent_rule"))


async def _mail_template(side: Side) -> str:
    """There is one of each kind and language: the one that there is goes first."""
    async with side.factory.databases.tenant_read(side.factory.company.ref) as read:
        found = await read.fetch("SELECT id FROM mail_template WHERE archived_at IS NULL")
    await side.factory.archive("mail_template", *(row["id"] for row in found))
    return side.public("mail_template", await side.factory.one("mail_template"))


async def _suppression(side: Side) -> str:
    """An address that the owner put on the list: the product notes nobody."""
    ask = """
    mutation ($input: CreateMailSuppressionInput!) {
      createMailSuppression(input: $input) { record { id } userErrors { path code } }
    }"""
    given = {"address": f"{new_id().hex}@x.example"}
    made = (await side.ask(ask, {"input": given})).data["createMailSuppression"]
    assert made["userErrors"] == []
    return str(made["record"]["id"])


async def _draft(side: Side, **values: Any) -> UUID:
    """A draft of the owner's daily report, of a day of its own."""
    return await side.factory.one("daily_report", member_id=side.owner.id, **values)


async def _card(side: Side) -> str:
    """A card of the owner's own draft: nobody edits another's."""
    record = catalogue().record("daily_report_card")
    values = {**await side.filled(record), "report_id": await _draft(side), "edited": True}
    return side.public("daily_report_card", await side.factory.one("daily_report_card", **values))


STATED: Mapping[str, Callable[[Side], Awaitable[str]]] = {
    "contact_consent": _consent,
    "daily_report_card": _card,
    "consent_rule": _consent_rule,
    "mail_suppression": _suppression,
    "mail_template": _mail_template,
}
# The batches, by the mutation that does the same for one.
BATCHES = {
    batch_name(action, record): f"{action}{record.api_name}"
    for record in catalogue()
    for action in record.actions
}
# They go the way of one; their ids stand in the same inputs, so that some of them stand for all.


def _generic(mutation: str) -> tuple[str, RecordType]:
    for record in catalogue():
        action = mutation.removesuffix(record.api_name)
        if action in record.actions:
            return action, record
    raise AssertionError(f"{mutation} is no generic mutation: say its input in tests/wall/sides.py")


async def _follow_up(side: Side) -> Input:
    record = catalogue().record("follow_up_record")
    values = side.written(record, await side.filled(record, writable=True))
    named = ("customerId", "planId", "contactId", "noteTakerId")
    return {"way": "CALL", **{name: values[name] for name in named}}


async def _order(side: Side) -> Input:
    record = catalogue().record("order")
    values = await side.factory.complete(record, await side.filled(record, writable=True))
    product = side.public("product", await side.factory.one("product"))
    line = {"productId": product, "quantity": "1", "unitPrice": "2"}
    return {"order": {**side.written(record, values), "lines": [line]}, "lines": [line]}


async def _order_with_lines(side: Side) -> Input:
    given: Input = (await _order(side))["order"]
    return given


async def _import(side: Side) -> Input:
    return {"fileId": await upload(side.ask, b"number,name\n1,A\n"), "record": "customer"}


async def _started_import(side: Side) -> Input:
    started = (await side.ask(START, {"input": await _import(side)})).data["startImport"]
    return {"id": started["record"]["id"]}


async def _bulk_import(side: Side) -> Input:
    return {"fileId": await upload(side.ask, b'{"number": "1"}\n', "lines.jsonl"), "record": "customer"}


async def _bulk_export(side: Side) -> Input:
    customer = await side.fresh("customer")
    return {"query": f'{{ contacts(where: {{customerId: {{eq: "{customer}"}}}}) {{ nodes {{ id }} }} }}'}


async def _started_bulk_export(side: Side) -> Input:
    ask = "mutation ($input: BulkExportInput!) { bulkExport(input: $input) { record { id } } }"
    started = (await side.ask(ask, {"input": await _bulk_export(side)})).data["bulkExport"]
    return {"id": started["record"]["id"]}


async def _key(side: Side) -> Input:
    made = await side.ask(
        "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } } }",
        {"input": {"name": "x", "scopes": ["READ"]}},
    )
    return {"id": made.data["createApiKey"]["apiKey"]["id"]}


async def _session(side: Side) -> Input:
    await open_session(side.gateway, side.owner)
    found = (await side.ask("{ sessions { id current } }")).data["sessions"]
    return {"id": next(session["id"] for session in found if not session["current"])}


async def _sign_in(side: Side) -> Input:
    async with side.gateway.services.databases.control_read() as read:
        email = await read.fetchval("SELECT email FROM platform.person WHERE id = $1", side.owner.person_id)
    company = (await side.ask("{ me { company { id } } }")).data["me"]["company"]["id"]
    return {"email": email, "password": PASSWORD, "companyId": company}


async def _own_company(side: Side) -> Input:
    return {"companyId": (await side.ask("{ me { company { id } } }")).data["me"]["company"]["id"]}


async def _member(side: Side) -> Input:
    member = await make_member(
        side.factory.databases, side.factory.company, "REPRESENTATIVE", seat="VIEW_ONLY"
    )
    return {"id": side.public("member", member.id)}


async def _changed_member(side: Side) -> Input:
    return {**await _member(side), "roles": ["MARKETER"]}


async def _notice(side: Side) -> Input:
    return {"id": side.public("notice", await side.factory.one("notice", member_id=side.owner.id))}


async def _notices(side: Side) -> Input:
    return {"upTo": (await _notice(side))["id"]}


async def _scheme(side: Side) -> str:
    scheme = await side.factory.one("grade_scheme", measure="SALES", period="TRAILING_12_MONTHS")
    await side.factory.one("grade_level", scheme_id=scheme, code="A", position=1, minimum=Decimal(10))
    await side.factory.one("grade_level", scheme_id=scheme, code="B", position=2)
    return side.public("grade_scheme", scheme)


async def _published(side: Side) -> Input:
    return {"id": await _scheme(side)}


async def _graded(side: Side) -> Input:
    scheme = await _scheme(side)
    publish = "mutation ($id: ID!) { publishGradeScheme(input: {id: $id}) { userErrors { code message } } }"
    assert (await side.ask(publish, {"id": scheme})).data["publishGradeScheme"]["userErrors"] == []
    return {"schemeId": scheme}


async def _drafted(side: Side) -> str:
    draft = (
        "mutation ($id: ID!) { draftGradeRule(input: {schemeId: $id}) { record { id } userErrors { code } } }"
    )
    answer = (await side.ask(draft, {"id": await _scheme(side)})).data["draftGradeRule"]
    assert answer["userErrors"] == []
    return answer["record"]["id"]


async def _grade_rule(side: Side) -> Input:
    return {"id": await _drafted(side)}


async def _changed_grade_rule(side: Side) -> Input:
    return {"id": await _drafted(side), "version": 1, "reason": "So it is"}


async def _grade_rule_of(side: Side) -> Input:
    return {"schemeId": await _scheme(side)}


async def _levels(side: Side) -> tuple[str, str]:
    """Two levels of a scheme that is graded by hand."""
    scheme = await side.factory.one("grade_scheme", graded_by="HAND")
    first, second = [
        await side.factory.one("grade_level", scheme_id=scheme, code=code, position=position)
        for position, code in enumerate("AB", start=1)
    ]
    return side.public("grade_level", first), side.public("grade_level", second)


async def _retired_level(side: Side) -> Input:
    level, into = await _levels(side)
    return {"id": level, "intoId": into}


async def _archived_level(side: Side) -> Input:
    """One that was archived, not retired into another."""
    level, _ = await _levels(side)
    await side.factory.archive("grade_level", UUID(level.partition("_")[2]))
    return {"id": level}


async def _by_hand(side: Side) -> Input:
    level, _ = await _levels(side)
    return {"customerId": await side.fresh("customer"), "levelId": level, "reason": "As ever"}


async def _ended_by_hand(side: Side) -> Input:
    given = await _by_hand(side)
    grade = (
        "mutation ($input: GradeCustomerByHandInput!) {"
        " gradeCustomerByHand(input: $input) { record { scheme { id } } userErrors { code } } }"
    )
    answer = (await side.ask(grade, {"input": given})).data["gradeCustomerByHand"]
    assert answer["userErrors"] == []
    return {"customerId": given["customerId"], "schemeId": answer["record"]["scheme"]["id"]}


async def _dead_job(side: Side) -> Input:
    public = (await _job(side))["id"]
    async with side.factory.databases.control() as control:
        await control.fetch(
            "UPDATE work.job SET state = 'failed', finished_at = now(), error_code = 'INTERNAL_ERROR',"
            " error_message = 'no', error_params = '{}' WHERE id = $1",
            UUID(public.partition("_")[2]),
        )
    return {"ids": [public]}


async def _job(side: Side) -> Input:
    grade = "mutation ($input: GradeCustomersInput!) { gradeCustomers(input: $input) { job { id } } }"
    return {"id": (await side.ask(grade, {"input": await _graded(side)})).data["gradeCustomers"]["job"]["id"]}


async def _handover(side: Side) -> Input:
    leaver = (await _member(side))["id"]
    customer = await side.factory.one("customer", owner_id=UUID(leaver.partition("_")[2]))
    share = {
        "memberId": side.public("member", side.owner.id),
        "customerIds": [side.public("customer", customer)],
    }
    return {"memberId": leaver, "successorId": side.public("member", side.owner.id), "shares": [share]}


async def _signed_handover(side: Side) -> Input:
    leaver = UUID((await _member(side))["id"].partition("_")[2])
    made = await side.factory.one(
        "handover", member_id=leaver, successor_id=side.owner.id, state="HANDED_OVER"
    )
    return {"id": side.public("handover", made), "side": "KEEPER"}


async def _started_scheme(_side: Side) -> Input:
    return {"name": "By importance", "levelSet": "A_TO_D"}


async def _classified(side: Side) -> Input:
    return {"classId": await side.fresh("customer_class"), "customerIds": [await side.fresh("customer")]}


async def _route(side: Side) -> Input:
    return {"id": await side.fresh("route")}


async def _route_stops(side: Side) -> Input:
    return {"id": await side.fresh("route"), "customerIds": [await side.fresh("customer")]}


async def _route_stop(side: Side) -> Input:
    return {"id": await side.fresh("route_stop"), "position": 1}


async def _segment(side: Side) -> Input:
    return {"id": await side.fresh("segment")}


async def _segment_filter(side: Side) -> Input:
    return {"id": await side.fresh("segment"), "where": {}}


async def _identity(side: Side) -> Input:
    claims = Claims("https://accounts.example", side.owner.id.hex, None)
    async with side.factory.databases.control() as control:
        await link(control, claims, person_id=side.owner.person_id, now=datetime.now(UTC))
    found = (await side.ask("{ linkedIdentities { id } }")).data["linkedIdentities"]
    return {"id": found[0]["id"]}


async def _seat_invoice(side: Side) -> Input:
    buy = "mutation { buySeats(input: {seats: 1, interval: MONTHLY}) { userErrors { code } } }"
    assert (await side.ask(buy)).data["buySeats"]["userErrors"] == []
    listed = await side.ask("{ subscriptionInvoices(first: 1) { nodes { id } } }")
    return {"id": listed.data["subscriptionInvoices"]["nodes"][0]["id"]}


async def _upload(side: Side) -> Input:
    return {"name": "a.csv", "size": 1, "attachedTo": await side.fresh("customer")}


async def _request(side: Side) -> Input:
    return {"id": await side.fresh("service_request"), "text": "Which batch?"}


async def _solution(side: Side) -> Input:
    return {"id": await side.fresh("service_request"), "result": "Replaced."}


async def _cancellation(side: Side) -> Input:
    return {"id": await side.fresh("service_request"), "reason": "Called the wrong company"}


async def _assignment(side: Side) -> Input:
    department = side.public("department", await side.factory.one("department"))
    owner = side.public("member", side.owner.id)
    return {"id": await side.fresh("service_request"), "ownerId": owner, "departmentId": department}


async def _waiting_request(side: Side) -> Input:
    wait = (
        "mutation ($input: WaitForCustomerInput!) { waitForCustomer(input: $input) { userErrors { code } } }"
    )
    given = await _request(side)
    assert (await side.ask(wait, {"input": given})).data["waitForCustomer"]["userErrors"] == []
    return {"id": given["id"]}


async def _solved_request(side: Side) -> Input:
    solve = (
        "mutation ($input: SolveServiceRequestInput!)"
        " { solveServiceRequest(input: $input) { userErrors { code } } }"
    )
    given = await _solution(side)
    assert (await side.ask(solve, {"input": given})).data["solveServiceRequest"]["userErrors"] == []
    return {"id": given["id"], "reason": "Broken again"}


async def _service_note(side: Side) -> Input:
    return {"id": await side.fresh("service_request"), "kind": "INTERNAL", "text": "A note"}


async def _repair(side: Side) -> Input:
    record = catalogue().record("repair_record")
    values = await side.factory.complete(record, await side.filled(record, writable=True))
    return side.written(record, values)


async def _questionnaire(side: Side) -> Input:
    return {"questionnaireId": await side.fresh("questionnaire")}


async def _report(side: Side) -> Input:
    return {
        "kind": "SURVEY_ANALYSIS",
        "schemeId": await side.fresh("grade_scheme"),
        "questionnaireId": await side.fresh("questionnaire"),
        "onlyDepartmentId": await side.fresh("department"),
        "onlyMemberId": side.public("member", side.owner.id),
    }


async def _report_definition(side: Side) -> Input:
    return {"id": await side.fresh("report_definition")}


async def _asked_report(side: Side) -> Input:
    ask = "mutation ($input: RunReportInput!) { runReport(input: $input) { record { id } } }"
    asked = await side.ask(ask, {"input": await _report(side)})
    return {"id": asked.data["runReport"]["record"]["id"]}


async def _report_called_off(side: Side) -> Input:
    asked = await _asked_report(side)
    cancel = "mutation ($id: ID!) { cancelReport(input: {id: $id}) { userErrors { code } } }"
    await side.ask(cancel, asked)
    return asked


async def _version(side: Side) -> Input:
    version = await side.factory.one("questionnaire_version")
    await side.factory.one("survey_item", version_id=version, kind="TEXT")
    return {"id": side.public("questionnaire_version", version)}


async def _invited(side: Side) -> Input:
    version = await side.factory.one("questionnaire_version")
    active = await side.factory.one("questionnaire", active=True, current_version_id=version)
    return {
        "questionnaireId": side.public("questionnaire", active),
        "customerIds": [await side.fresh("customer")],
        "contactIds": [await side.fresh("contact")],
    }


async def _sent_out(side: Side) -> Input:
    return {"reason": "CAMPAIGN", "name": "Double 11", **await _invited(side)}


async def _sending(side: Side, state: str) -> Input:
    made = await side.factory.one("survey_sending", state=state, started_by_id=side.owner.id)
    return {"id": side.public("survey_sending", made)}


async def _sending_to_hold(side: Side) -> Input:
    return await _sending(side, "RUNNING")


async def _sending_held(side: Side) -> Input:
    return await _sending(side, "PAUSED")


async def _survey_link(side: Side) -> Input:
    active = (await _invited(side))["questionnaireId"]
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return {"questionnaireId": active, "name": "Counter", "expiresAt": soon}


async def _survey_link_to_revoke(side: Side) -> Input:
    return {"id": await side.fresh("survey_link")}


async def _entered(side: Side) -> Input:
    customer = await side.factory.one("customer")
    invitation = await side.factory.one(
        "survey_invitation",
        version_id=(version := await side.factory.one("questionnaire_version")),
        customer_id=customer,
        contact_id=(contact := await side.factory.one("contact", customer_id=customer)),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    item = await side.factory.one("survey_item", version_id=version, kind="TEXT")
    query = "query ($id: ID!) { surveyInvitation(id: $id) { questionnaireId customerId } }"
    found = await side.ask(query, {"id": side.public("survey_invitation", invitation)})
    return {
        **found.data["surveyInvitation"],
        "invitationId": side.public("survey_invitation", invitation),
        "contactId": side.public("contact", contact),
        "entries": [{"itemId": side.public("survey_item", item), "text": "Said on a visit"}],
    }


async def _webhook(side: Side) -> Input:
    return {"name": "ERP", "url": "https://erp.example/hook", "events": ["CUSTOMER_CREATED"]}


async def _made_webhook(side: Side) -> Input:
    return {"id": await side.fresh("webhook")}


async def _changed_webhook(side: Side) -> Input:
    return {**await _made_webhook(side), "name": "CRM"}


async def _active_webhook(side: Side) -> Input:
    owner = {"owner_id": side.owner.id, "active": True, "events": ["CUSTOMER_CREATED"]}
    return {"id": side.public("webhook", await side.factory.one("webhook", **owner))}


async def _tested_webhook(side: Side) -> Input:
    return {**await _active_webhook(side), "recordId": await side.fresh("customer")}


async def _delivery(side: Side) -> Input:
    webhook = UUID((await _active_webhook(side))["id"].partition("_")[2])
    made = await side.factory.one("webhook_delivery", webhook_id=webhook, state="FAILED")
    return {"id": side.public("webhook_delivery", made)}


async def _chosen(side: Side) -> Input:
    return {"memberIds": [side.public("member", side.owner.id)]}


async def _contact(side: Side) -> Input:
    return {"id": await side.fresh("contact")}


async def _customer_held(side: Side) -> Input:
    return {"customerId": await side.fresh("customer"), "reason": "A lawsuit"}


async def _customer_lifted(side: Side) -> Input:
    return {"customerId": await side.fresh("customer")}


async def _retention_tried(side: Side) -> Input:
    content = {"rules": []}
    made = await side.factory.one("rule_version", kind="retention", content=content, state="REFUSED")
    return {"ruleVersionId": side.public("rule_version", made)}


def _in_a_month() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).isoformat()


async def _collaboration(side: Side) -> Input:
    return {
        "customerId": await side.fresh("customer"),
        "memberId": (await _member(side))["id"],
        "role": "READ",
        "until": _in_a_month(),
    }


async def _collaborator(side: Side) -> Input:
    return {"id": await side.fresh("customer_collaborator")}


async def _restriction(side: Side) -> Input:
    return {"customerId": await side.fresh("customer"), "reason": "Merger talks"}


async def _archive_access(side: Side) -> Input:
    customer = await side.factory.one("customer", restricted=True)
    return {"customerId": side.public("customer", customer), "reason": "Renewal", "until": _in_a_month()}


async def _granted_access(side: Side) -> Input:
    given = await side.filled(catalogue().record("archive_grant"))
    made = await side.factory.one("archive_grant", **given, state="GRANTED")
    return {"id": side.public("archive_grant", made)}


_CRITERIA = {"criteria": [{"code": "A", "label": {"en": "One", "zh": "一"}}]}
_BY_OWNERS = {"by": "ROLE", "roles": ["OWNER"], "fromAmount": None, "remindAfter": 1, "escalateAfter": 3}


async def _rule(side: Side, state: str, kind: str | None = None) -> UUID:
    """A version of a rule that the owner has drafted, of a kind that does not matter where none is named."""
    given = {"kind": kind} if kind else {}
    return await side.factory.one(
        "rule_version", state=state, content=_CRITERIA, drafted_by_id=side.owner.id, **given
    )


async def _rule_draft(side: Side) -> Input:
    return {"id": side.public("rule_version", await _rule(side, "DRAFT"))}


async def _changed_rule(side: Side) -> Input:
    return {**await _rule_draft(side), "version": 1, "reason": "Spring"}


async def _rule_to_submit(side: Side) -> Input:
    return {"id": side.public("rule_version", await _rule(side, "DRAFT", CHECKLISTS))}


async def _rule_to_repeal(side: Side) -> Input:
    return {"id": side.public("rule_version", await _rule(side, "APPROVED", CHECKLISTS))}


async def _approval(
    side: Side, rule: UUID, *, state: str = "OPEN", kind: str = "rule.version", asker: UUID | None = None
) -> UUID:
    """A request about a version of a rule, for owners to decide on."""
    return await side.factory.one(
        "approval_request",
        kind=kind,
        about=side.public("rule_version", rule),
        asked_by_id=asker or side.owner.id,
        state=state,
        steps={"steps": [_BY_OWNERS], "limits": {}},
    )


async def _submitted_rule(side: Side) -> Input:
    rule = await _rule(side, "SUBMITTED")
    await _approval(side, rule)
    return {"id": side.public("rule_version", rule)}


async def _own_approval(side: Side) -> Input:
    return {"id": side.public("approval_request", await _approval(side, await _rule(side, "SUBMITTED")))}


async def _returned_approval(side: Side) -> Input:
    rule = await _rule(side, "APPROVED")
    returned = await _approval(side, rule, state="RETURNED", kind="rule.repeal")
    return {"id": side.public("approval_request", returned)}


async def _approval_to_decide(side: Side) -> Input:
    asker = await side.factory.one("member", state="ACTIVE", roles=["REPRESENTATIVE"])
    asked = await _approval(side, await _rule(side, "SUBMITTED"), asker=asker)
    public = side.public("approval_request", asked)
    return {"id": public, "stage": 1, "decision": "REFUSE", "remark": "Too dear"}


async def _deputy(side: Side) -> Input:
    away, deputy = [
        await side.factory.one("member", state="ACTIVE", roles=["REPRESENTATIVE"]) for _ in range(2)
    ]
    today = datetime.now(UTC).date()
    return {
        "memberId": side.public("member", away),
        "deputyId": side.public("member", deputy),
        "fromDay": today.isoformat(),
        "untilDay": (today + timedelta(days=7)).isoformat(),
    }


async def _deputy_to_end(side: Side) -> Input:
    return {"id": await side.fresh("approval_deputy")}


async def _contract(side: Side) -> Input:
    return {"id": await side.fresh("contract")}


async def _contract_in_force(side: Side) -> Input:
    begun = date(2020, 1, 1)
    made = await side.factory.one(
        "contract", state="IN_FORCE", signed_on=begun, starts_on=begun, ends_on=date(2021, 1, 1)
    )
    return {"id": side.public("contract", made)}


async def _contract_to_terminate(side: Side) -> Input:
    return {**await _contract_in_force(side), "reason": "Insolvent", "terminatedOn": "2020-06-30"}


async def _demand_to_win(side: Side) -> Input:
    customer = await side.factory.one("customer")
    demand = await side.factory.one("demand", customer_id=customer)
    order = await side.factory.one("order", customer_id=customer)
    return {"id": side.public("demand", demand), "orderId": side.public("order", order)}


async def _demand_to_lose(side: Side) -> Input:
    return {"id": await side.fresh("demand"), "reason": "Price"}


async def _meeting(side: Side) -> Input:
    made = await side.factory.one("meeting", agenda="Prices", organiser_id=side.owner.id)
    return {"id": side.public("meeting", made)}


async def _meeting_to_come(side: Side) -> Input:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    made = await side.factory.one(
        "meeting",
        agenda="Prices",
        organiser_id=side.owner.id,
        starts_at=tomorrow,
        ends_at=tomorrow + timedelta(hours=1),
    )
    return {"id": side.public("meeting", made)}


async def _meeting_with_all(side: Side) -> Input:
    record = catalogue().record("meeting")
    values = await side.factory.complete(record, await side.filled(record, writable=True))
    contact = await side.factory.one("contact", customer_id=values["customer_id"])
    owner = side.public("member", side.owner.id)
    return {
        **side.written(record, values),
        "attendees": [{"memberId": owner, "contactId": side.public("contact", contact)}],
        "actions": [{"task": "An offer", "ownerId": owner, "dueOn": "2026-12-01"}],
    }


async def _minutes(side: Side) -> Input:
    action = {"task": "An offer", "ownerId": side.public("member", side.owner.id), "dueOn": "2026-12-01"}
    return {**await _meeting(side), "minutes": "Agreed", "actions": [action]}


async def _written_minutes(side: Side) -> Input:
    writer = UUID((await _member(side))["id"].partition("_")[2])
    made = await side.factory.one("meeting", minutes="Agreed", minutes_state="WRITTEN", minutes_by_id=writer)
    return {"id": side.public("meeting", made), "remark": "The price is missing"}


async def _meeting_action(side: Side) -> Input:
    return {"id": await side.fresh("meeting_action")}


async def _hot(side: Side) -> Input:
    return {"customerId": await side.fresh("customer"), "reason": "A large order is near"}


async def _hot_customer(side: Side) -> Input:
    made = await side.factory.one("customer", hot_since=date(2026, 1, 1), owner_id=side.owner.id)
    return {"customerId": side.public("customer", made)}


async def _new_card(side: Side) -> Input:
    day = date.fromordinal(700_000 + new_id().int % 30_000)  # of one day there is one report
    draft = await _draft(side, day=day)
    customer = side.public("customer", await side.factory.one("customer"))
    return {
        "reportId": side.public("daily_report", draft),
        "customerId": customer,
        "at": f"{day.isoformat()}T08:00:00Z",
    }


async def _draft_to_submit(side: Side) -> Input:
    return {"id": side.public("daily_report", await _draft(side, summary="Training"))}


async def _daily_to_return(side: Side) -> Input:
    """A report that somebody else submitted to the owner."""
    writer = UUID((await _member(side))["id"].partition("_")[2])
    values = {"state": "SUBMITTED", "recipient_id": side.owner.id, "manager_id": side.owner.id}
    made = await side.factory.one("daily_report", member_id=writer, **values)
    return {"id": side.public("daily_report", made), "why": "Which pumps?"}


async def _urgent(side: Side) -> str:
    writer = UUID((await _member(side))["id"].partition("_")[2])
    report = await side.factory.one(
        "daily_report", member_id=writer, state="SUBMITTED", manager_id=side.owner.id
    )
    card = await side.factory.one("daily_report_card", report_id=report, urgent=True, settlement="OPEN")
    return side.public("daily_report_card", card)


async def _urgent_card(side: Side) -> Input:
    return {"id": await _urgent(side), "settledHow": "Replaced"}


async def _emergency(side: Side) -> Input:
    card = await _urgent(side)
    customer = await side.customer_of("daily_report_card", UUID(card.partition("_")[2]))
    said = {"kind": "OTHER", "subject": "Strike", "content": "The port is closed"}
    return {**said, "cardId": card, "customerId": side.public("customer", customer)}


async def _emergency_to_acknowledge(side: Side) -> Input:
    reporter = UUID((await _member(side))["id"].partition("_")[2])
    made = await side.factory.one("emergency_report", reporter_id=reporter)
    return {"id": side.public("emergency_report", made)}


async def _pooled(side: Side) -> Input:
    made = await side.factory.one("customer", pool_since=datetime(2026, 1, 1, tzinfo=UTC))
    return {"customerId": side.public("customer", made)}


async def _released(side: Side) -> Input:
    made = await side.factory.one("customer", owner_id=side.owner.id)
    return {"customerId": side.public("customer", made), "reason": "No time"}


async def _shared_out(side: Side) -> Input:
    customer = (await _pooled(side))["customerId"]
    members = [{"memberId": side.public("member", side.owner.id)}]
    return {"customerIds": [customer], "members": members}


async def _reviewed_minutes(side: Side) -> Input:
    made = await side.factory.one("meeting", minutes="Agreed", minutes_state="REVIEWED")
    return {"id": side.public("meeting", made)}


async def _objection(side: Side) -> Input:
    values = await side.filled(catalogue().record("minutes_receipt"))
    made = await side.factory.one("minutes_receipt", **values, state="OBJECTED", objection="12 %")
    return {"id": side.public("minutes_receipt", made), "settlement": "By telephone"}


async def _visit_form(side: Side) -> Input:
    """A form of the owner's with a visit, for a day that is always ahead."""
    form = await side.factory.one("visit_form", member_id=side.owner.id, visit_on=date(2099, 1, 5))
    await side.factory.one("follow_up_plan", owner_id=side.owner.id, visit_form_id=form)
    return {"id": side.public("visit_form", form)}


async def _visit_form_to_call_off(side: Side) -> Input:
    return {**await _visit_form(side), "reason": "Snow"}


async def _visit_form_to_finish(side: Side) -> Input:
    form = await side.factory.one(
        "visit_form", member_id=side.owner.id, visit_on=date(2020, 1, 6), state="APPROVED"
    )
    return {"id": side.public("visit_form", form), "result": "One order"}


async def _visit_form_with_visits(side: Side) -> Input:
    record = catalogue().record("visit_form")
    values = await side.factory.complete(record, await side.filled(record, writable=True))
    customer = await side.factory.one("customer")
    visit = {
        "customerId": side.public("customer", customer),
        "contactId": side.public("contact", await side.factory.one("contact", customer_id=customer)),
        "ownerId": side.public("member", side.owner.id),
        "dueOn": "2026-12-01",
    }
    return {**side.written(record, values), "plans": [visit]}


async def _needs(side: Side) -> Input:
    made = await side.factory.one("follow_up_record", needs="20 pumps", problems="Late")
    owner = side.public("member", side.owner.id)
    product = side.public("product", await side.factory.one("product"))
    return {"id": side.public("follow_up_record", made), "ownerId": owner, "productId": product}


async def _problems(side: Side) -> Input:
    return {"id": (await _needs(side))["id"], "kind": "COMPLAINT"}


async def _calendar(side: Side) -> Input:
    return {"memberId": (await _member(side))["id"]}


async def _verified(side: Side) -> Input:
    return {"customer": await side.input_of("updateCustomer")}


SPECIAL: Mapping[str, Callable[[Side], Awaitable[Input]]] = {
    "changeRuleDraft": _changed_rule,
    "discardRuleDraft": _rule_draft,
    "submitRule": _rule_to_submit,
    "withdrawRule": _submitted_rule,
    "repealRule": _rule_to_repeal,
    "decideApproval": _approval_to_decide,
    "withdrawApproval": _own_approval,
    "resubmitApproval": _returned_approval,
    "setDeputy": _deputy,
    "endDeputy": _deputy_to_end,
    "prepareUpload": _upload,
    "exportPerson": _contact,
    "erasePerson": _contact,
    "holdCustomer": _customer_held,
    "liftHold": _customer_lifted,
    "tryRetention": _retention_tried,
    "recordFollowUp": _follow_up,
    "markNoticeRead": _notice,
    "markAllNoticesRead": _notices,
    "publishGradeScheme": _published,
    "draftGradeRule": _grade_rule_of,
    "changeGradeRule": _changed_grade_rule,
    "discardGradeRule": _grade_rule,
    "publishGradeRule": _grade_rule,
    "tryGradeRule": _grade_rule,
    "backTestGradeRule": _grade_rule,
    "gradeCustomerByHand": _by_hand,
    "endGradeByHand": _ended_by_hand,
    "retireGradeLevel": _retired_level,
    "restoreGradeLevel": _archived_level,
    "leadGradeScheme": _published,
    "gradeCustomers": _graded,
    "startGradeScheme": _started_scheme,
    "classifyCustomers": _classified,
    "orderRoute": _route,
    "setRouteStops": _route_stops,
    "moveRouteStop": _route_stop,
    "freezeSegment": _segment,
    "changeSegmentFilter": _segment_filter,
    "handOver": _handover,
    "signHandover": _signed_handover,
    "unlinkIdentity": _identity,
    "addCollaborator": _collaboration,
    "removeCollaborator": _collaborator,
    "restrictCustomer": _restriction,
    "liftRestriction": _restriction,
    "requestArchiveAccess": _archive_access,
    "revokeArchiveAccess": _granted_access,
    "signIn": _sign_in,
    "switchCompany": _own_company,
    "endSession": _session,
    "rotateApiKey": _key,
    "revokeApiKey": _key,
    "startImport": _import,
    "cancelImport": _started_import,
    "bulkImport": _bulk_import,
    "bulkExport": _bulk_export,
    "cancelBulkOperation": _started_bulk_export,
    "cancelJob": _job,
    "replayJobs": _dead_job,
    "changeMember": _changed_member,
    "deactivateMember": _member,
    "chooseSeats": _chosen,
    "placeOrder": _order,
    "createOrder": _order_with_lines,
    "assignServiceRequest": _assignment,
    "answerServiceRequest": _request,
    "waitForCustomer": _request,
    "resumeServiceRequest": _waiting_request,
    "solveServiceRequest": _solution,
    "closeServiceRequest": _solution,
    "reopenServiceRequest": _solved_request,
    "cancelServiceRequest": _cancellation,
    "addServiceNote": _service_note,
    "recordRepair": _repair,
    "signContract": _contract,
    "endContract": _contract_in_force,
    "terminateContract": _contract_to_terminate,
    "winDemand": _demand_to_win,
    "loseDemand": _demand_to_lose,
    "createMeeting": _meeting_with_all,
    "sendAgenda": _meeting_to_come,
    "writeMinutes": _minutes,
    "reviewMinutes": _written_minutes,
    "returnMinutes": _written_minutes,
    "finishMeetingAction": _meeting_action,
    "sendMinutes": _reviewed_minutes,
    "settleMinutesObjection": _objection,
    "submitVisitForm": _visit_form,
    "callOffVisits": _visit_form_to_call_off,
    "finishVisits": _visit_form_to_finish,
    "planVisitRoute": _visit_form,
    "createVisitForm": _visit_form_with_visits,
    "raiseDemand": _needs,
    "reportProblems": _problems,
    "endCalendarAddress": _calendar,
    "verifyCustomer": _verified,
    "createDailyReportCard": _new_card,
    "submitDailyReport": _draft_to_submit,
    "returnDailyReport": _daily_to_return,
    "settleUrgentCard": _urgent_card,
    "reportEmergency": _emergency,
    "acknowledgeEmergency": _emergency_to_acknowledge,
    "markHot": _hot,
    "viewPoolCustomer": _pooled,
    "claimCustomer": _pooled,
    "releaseCustomer": _released,
    "shareOutCustomers": _shared_out,
    "clearHot": _hot_customer,
    "createWebhook": _webhook,
    "updateWebhook": _changed_webhook,
    "rotateWebhookSecret": _made_webhook,
    "testWebhook": _tested_webhook,
    "replayWebhookDelivery": _delivery,
    "runReport": _report,
    "runReportDefinition": _report_definition,
    "cancelReport": _asked_report,
    "retryReport": _report_called_off,
    "draftQuestionnaireVersion": _questionnaire,
    "startSurveySending": _sent_out,
    "pauseSurveySending": _sending_to_hold,
    "resumeSurveySending": _sending_held,
    "cancelSurveySending": _sending_to_hold,
    "createSurveyLink": _survey_link,
    "revokeSurveyLink": _survey_link_to_revoke,
    "publishQuestionnaireVersion": _version,
    "inviteToSurvey": _invited,
    "enterSurveyAnswer": _entered,
}
# Things that are no records, by the beginning of their ids.
OPAQUE: Mapping[str, Callable[[Side], Awaitable[Input]]] = {
    "endSession": _session,
    "rotateApiKey": _key,
    "revokeApiKey": _key,
    "signIn": _sign_in,
    "unlinkIdentity": _identity,
    "job": _job,
    "subscriptionInvoice": _seat_invoice,
}


async def open_session(gateway: RunningGateway, owner: TestMember) -> str:
    async with gateway.services.databases.control() as control:
        return await start_session(
            control,
            person_id=owner.person_id,
            company_id=owner.company.id,
            user_agent="",
            now=datetime.now(UTC),
        )


async def _questionnaire_of(side: Side, version: str) -> str:
    """The questionnaire that the version is one of: both are asked for together."""
    async with side.factory.databases.tenant_read(side.factory.company.ref) as read:
        found = await read.fetchval(
            "SELECT questionnaire_id FROM questionnaire_version WHERE id = $1",
            UUID(version.partition("_")[2]),
        )
    return side.public("questionnaire", found)


async def make_side(gateway: RunningGateway, name: str) -> Side:
    """A company with one of everything."""
    databases = gateway.services.databases
    company = await make_company(databases, name=name)
    # Daily reports are written by who has a department: owners only read them.
    owner = await make_member(databases, company, "OWNER", "DEPARTMENT_MANAGER", "FINANCE")
    hashed = await gateway.services.identity.passwords.hash(PASSWORD)
    async with databases.control() as control:
        await control.fetch(
            "UPDATE platform.person SET password_hash = $1 WHERE id = $2", hashed, owner.person_id
        )
        await subscribe(control, company_id=company.id, free_seats=2, now=datetime.now(UTC))
    ask = gateway.client()
    ask.http.headers["cookie"] = f"kedang={await open_session(gateway, owner)}"
    side = Side(gateway, Factory(databases, company), owner, ask)
    for record in catalogue():
        side.ids[record.prefix] = await side.fresh(record.name)
    side.ids["asked"] = await _questionnaire_of(side, side.ids["qnv"])
    for make in OPAQUE.values():
        given = await make(side)
        public = given.get("id") or given["companyId"]
        side.ids[public.partition("_")[0]] = public
    side.ids["archive"] = await _archive_of(side)
    return side


async def _archive_of(side: Side) -> str:
    """An archive of the company that can be fetched."""
    made = new_id()
    async with side.factory.databases.control() as control:
        await control.fetch(
            "INSERT INTO platform.company_export (id, company_id, job_id, state, created_at, content_id)"
            " VALUES ($1, $2, $1, 'done', now(), $1)",
            made,
            side.factory.company.id,
        )
    return f"archive_{made.hex}"

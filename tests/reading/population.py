"""A company full of random records: ties, empty fields, archived ones, Chinese and Latin, signs that mean something in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    ColourKind,
    CountryKind,
    CurrencyKind,
    DayKind,
    DecimalKind,
    DocumentKind,
    EmailKind,
    Field,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    PhoneKind,
    RecordType,
    WordsKind,
    catalogue,
)
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.changing import Change
from kedang_tenants.correspondence.template_kinds import TEMPLATE_KINDS
from kedang_tenants.people.access_rules import rules_of
from kedang_tenants.people.policy import access_of
from kedang_tenants.reading import AnyOf, Compare, Filter, Kept, Not, Related, Scope
from kedang_tenants.reading.stored import encode_filter
from tests.support.factories import Factory
from tests.support.members import TestMember, make_member
from tests.support.reference_reader import Company, Looker

TEXTS = (
    "Alfreds Futterkiste", "alfreds futterkiste", "Bon app'", "Blondesddsl père et fils", "QUICK-Stop",
    "上海医药", "上海医药有限公司", "重庆长安", "北京银行", "北京 Bank 有限", "100%", "100% sure", "a_b", "axb",
    "back\\slash", "\\%", "q\"uote'", "ünïcode", "Ünïcode", "Straße", "STRASSE", "ÅNGSTRÖM", "😀 smile", "Ｆｕｌｌ　width",
    "a", "A", "z", "0", "00", "-1", "tab\there", "null", "NULL", "true", "{}", "$1", "--", "/*", "é", "e\u0301",
)  # fmt: skip
_COUNTS = {
    "department": 5, "customer": 45, "contact": 60, "tag": 6, "customer_tag": 50, "region": 8, "customer_class": 6, "classified_customer": 30, "route": 12, "route_stop": 40, "segment": 8, "segment_member": 40, "customer_collaborator": 60, "archive_grant": 60, "product_category": 4, "product": 18, "price_step": 15,
    "order": 45, "order_line": 90, "delivery": 25, "demand": 30, "quotation": 30, "invoice": 30, "payment": 20, "grade_scheme": 2, "grade_level": 6, "customer_grade": 30, "grade_rule": 6, "grade_trial": 5, "grade_trial_row": 30,
    "follow_up_plan": 35, "follow_up_record": 40, "meeting": 30, "meeting_attendee": 45, "meeting_action": 40, "minutes_receipt": 30, "visit_form": 20, "contract": 30, "owned_product": 30,
    "hot_mark": 30, "pool_move": 40,
    "verification_cycle": 3, "notice": 20, "calendar_day": 6, "working_week": 1, "file": 40,
    "service_standard": 5, "service_assignment": 5, "service_request": 40, "service_note": 40, "repair_record": 20,
    "notice_preference": 15, "notice_schedule": 4, "import": 8, "export": 6, "bulk_operation": 8, "questionnaire": 4, "questionnaire_version": 4,
    "survey_item": 20, "survey_sending": 8, "survey_link": 6, "survey_invitation": 40, "survey_answer": 30, "survey_item_answer": 60,
    "webhook": 6, "webhook_delivery": 25, "contact_consent": 30, "consent_rule": 5, "mail_suppression": 12, "mail_identity": 1, "mail_template": 5, "retention_run": 4, "person_request": 8,
    "rule_version": 12, "approval_flow": 3, "approval_deputy": 10, "approval_request": 30, "approval_turn": 60,
    "approval_event": 60,
    "daily_report": 20, "daily_report_card": 40, "emergency_report": 16, "watch_entry": 25,
    "report_definition": 12, "report_recipient": 15, "report_run": 25, "handover": 8, "handed_customer": 30,
}  # fmt: skip
_ORDER = (
    "tag", "region", "customer_class", "product_category", "grade_scheme", "grade_level", "customer", "contact", "contact_consent", "consent_rule", "mail_suppression", "mail_identity", "mail_template", "customer_tag", "classified_customer", "route", "route_stop", "segment", "segment_member", "customer_collaborator", "archive_grant", "product",
    "price_step", "order", "order_line", "delivery", "demand", "quotation", "invoice", "payment", "contract", "owned_product", "verification_cycle", "customer_grade", "grade_rule", "grade_trial", "grade_trial_row", "follow_up_plan", "follow_up_record", "meeting", "meeting_attendee", "meeting_action", "minutes_receipt", "visit_form", "hot_mark", "pool_move", "notice",
    "notice_preference", "notice_schedule", "calendar_day", "working_week", "service_standard", "service_assignment", "service_request",
    "service_note", "repair_record", "questionnaire", "questionnaire_version", "survey_item", "survey_sending", "survey_link", "survey_invitation",
    "survey_answer", "survey_item_answer", "daily_report", "daily_report_card", "emergency_report", "watch_entry",
    "webhook", "webhook_delivery", "report_definition", "report_recipient", "report_run", "handover", "handed_customer", "import", "export",
    "bulk_operation", "retention_run", "person_request", "rule_version", "approval_flow", "approval_deputy",
    "approval_request", "approval_turn", "approval_event", "file",
)  # fmt: skip
_ARCHIVED = (
    "tag", "customer", "contact", "contact_consent", "consent_rule", "mail_suppression", "customer_tag", "classified_customer", "route", "segment", "product", "price_step", "order", "order_line", "delivery", "demand", "quotation", "invoice", "payment", "follow_up_plan",
    "follow_up_record", "meeting", "meeting_attendee", "contract", "owned_product", "calendar_day", "file",
    "service_request", "repair_record",
    "questionnaire", "survey_invitation", "survey_answer", "report_definition", "report_recipient",
)  # fmt: skip
# Fields whose values a rule of the trade decides.
_LEFT_OUT = {
    "contact_consent": {"address", "decided_at"},
    "order_line": {"position", "amount", "profit"},
    "demand": {"order_id"},
    "quotation": {"demand_id"},
    "invoice": {"order_id", "paid", "open_amount", "settled_on", "state"},
    "follow_up_record": {"contact_id", "plan_id"},
    "service_request": {"number", "contact_id", "order_id", "owned_product_id"},
    "repair_record": {"request_id", "owned_product_id"},
    "follow_up_plan": {"owned_product_id", "maintenance_on", "contact_id", "visit_form_id"},
    "contract": {"order_id"},
    "owned_product": {"order_id"},
    "meeting_attendee": {"contact_id"},
    "survey_item": {"parent_id", "options"},
    "report_definition": {"at", "starts_on", "ends_on"},
    "report_run": {"scheduled_for"},
}
_SAID: Mapping[str, Mapping[str, Any]] = {
    "rule_version": {"state": "SUPERSEDED"},
    "approval_event": {"kind": "ASKED"},
    "working_week": {
        "opens_at": "08:30",
        "closes_at": "24:00",
        "digest_at": "07:45",
        "escalate_after": 2,
        "escalate_further_after": 5,
    },
    "notice_schedule": {
        "quiet_from": "21:30",
        "quiet_until": "07:00",
        "digest_at": "08:15",
        "time_zone": "Asia/Tokyo",
    },
    "follow_up_plan": {"origin": "MANUAL", "at_time": "09:30"},
    "visit_form": {"leaves_at": "08:00", "returns_at": "17:30"},
    "customer_grade": {"current": False},
    "grade_rule": {"state": "SUPERSEDED"},
    "hot_mark": {"ended_on": date(2025, 3, 1)},
    "questionnaire": {"active": False},
    "questionnaire_version": {"state": "DRAFT"},
    "report_definition": {
        "kind": "FOLLOW_UP_COMPLIANCE",
        "period": "LAST_MONTH",
        "schedule": "NEVER",
        "formats": ["PDF"],
        "parameters": {},
    },
}
_FILTERS: Sequence[tuple[Mapping[str, Any], Filter]] = (
    ({"city": {"isNull": True}}, Compare("city", "is_null", value=True)),
    (
        {"contacts": {"some": {"phone": {"isNull": False}}}},
        Related("contacts", Compare("phone", "is_null", value=False)),
    ),
    (
        {"orders": {"none": {"state": {"eq": "CANCELLED"}}}},
        Not(Related("orders", Compare("state", "eq", "CANCELLED"))),
    ),
    (
        {"OR": [{"NOT": {"name": {"contains": "a"}}}, {"country": {"eq": "CN"}}]},
        AnyOf((Not(Compare("name", "contains", "a")), Compare("country", "eq", "CN"))),
    ),
)
_SEATLESS = "VIEW_ONLY"
# Who can be responsible for a service request.
_ABLE = (
    "owner", "manager", "lower manager", "representative", "other representative", "without department", "two hats",
    "agent",
)  # fmt: skip


@dataclass(frozen=True)
class Population:
    """The company with all its rows, and everybody who may look at it."""

    people: Mapping[str, TestMember]
    company: Company
    lookers: Mapping[str, Looker]


class Populating:
    """Fills one company; everything random comes from one seed."""

    def __init__(self, factory: Factory, random: Random) -> None:
        self.factory = factory
        self.random = random
        self.ids: dict[str, list[UUID]] = {}
        self.able: list[UUID] = []
        self.headings: list[UUID] = []  # the version of each
        self.taken: set[tuple[str, str, object]] = set()

    async def people(self) -> dict[str, TestMember]:
        upper = await self.factory.one("department", name="Sales")
        lower = await self.factory.one("department", name="Sales South", parent_id=upper)
        lowest = await self.factory.one("department", name="销售三部", parent_id=lower)
        other = await self.factory.one("department", name="Service", branch=True)
        gone = await self.factory.one("department", name="Closed", parent_id=other)
        await self.factory.archive("department", gone)
        self.ids["department"] = [upper, lower, lowest, other, gone]
        wanted: list[tuple[str, tuple[str, ...], str, UUID | None]] = [
            ("owner", ("OWNER",), "FULL", None),
            ("manager", ("DEPARTMENT_MANAGER",), "FULL", upper),
            ("lower manager", ("DEPARTMENT_MANAGER",), "FULL", lower),
            ("representative", ("REPRESENTATIVE",), "FULL", lower),
            ("other representative", ("REPRESENTATIVE",), "FULL", other),
            ("without department", ("ACCOUNT_MANAGER",), "FULL", None),
            ("finance", ("FINANCE",), "FULL", other),
            ("two hats", ("FINANCE", "REPRESENTATIVE"), "FULL", lowest),
            ("agent", ("SERVICE_AGENT",), "FULL", other),
            ("onlooker", ("VIEW_ONLY",), _SEATLESS, None),
            ("nobody", (), "FULL", upper),
            ("keeper", ("ARCHIVE_KEEPER",), "FULL", other),
            ("administrator", ("ADMIN",), "FULL", other),
            ("general manager", ("GENERAL_MANAGER",), "FULL", upper),
            ("marketer", ("MARKETER",), "FULL", other),
            ("key account", ("KEY_ACCOUNT",), "FULL", other),
            ("neighbour", ("NEIGHBOUR",), "FULL", lower),
        ]
        await self.rules(lowest)
        made = {
            name: await make_member(
                self.factory.databases, self.factory.company, *roles, name=name, seat=seat, department_id=unit
            )
            for name, roles, seat, unit in wanted
        }
        self.ids["member"] = [member.id for member in made.values()]
        self.able = [made[name].id for name in _ABLE]
        return made

    async def rules(self, chosen: UUID) -> None:
        """Two roles of the company: one reaches a department further, the other the department alone."""
        roles = {
            "KEY_ACCOUNT": _own_role("CHOSEN", departments=[f"dep_{chosen.hex}"]),
            "NEIGHBOUR": _own_role("DEPARTMENT_ONLY"),
        }
        values = {"kind": "access", "number": 1, "content": {"roles": roles}, "state": "IN_FORCE"}
        await self.factory.change([Change("rule_version", "create", values=values)])

    async def own_fields(self) -> None:
        """Every kind of own field on the records that stand in the middle of things."""
        rows = []
        for record in ("customer", "contact", "order"):
            for position, kind in enumerate(("TEXT", "INTEGER", "DECIMAL", "DAY", "FLAG", "CHOICE")):
                options = ["red", "green", "蓝"] if kind == "CHOICE" else None
                rows.append(
                    {"record": record, "key": f"own_{kind.lower()}", "kind": kind, "position": position}
                    | ({"options": options} if options else {})
                )
        rows.append({"record": "customer", "key": "hidden", "kind": "TEXT"})
        made = await self.factory.many("custom_field", rows)
        await self.factory.archive("custom_field", made[-1])

    async def records(self) -> None:
        for name in _ORDER:
            await self._fill(catalogue().record(name))
        await self._grade_customers()
        await self._publish()
        for name in _ARCHIVED:
            chosen = [one for one in self.ids[name] if self.random.random() < 0.25]
            await self.factory.archive(name, *chosen)

    async def _fill(self, record: RecordType) -> None:
        self.ids[record.name] = []
        made: list[UUID] = []
        half = _COUNTS[record.name] // 2
        for size in (half, _COUNTS[record.name] - half):
            rows = [self._row(record) for _ in range(size)]
            own = [self._own(record.name) for _ in rows]
            made += await self.factory.many(record.name, rows, custom=own)
            self.ids[record.name] = list(made)  # the second half may refer to the first

    def _row(self, record: RecordType) -> dict[str, Any]:
        row: dict[str, Any] = dict(_SAID.get(record.name, {}))
        for found in record.fields.values():
            skipped = found.name in _BOOKKEEPING | _LEFT_OUT.get(record.name, set())
            if skipped or found.name in row or (found.nullable and self.random.random() < 0.35):
                continue
            value = self.value(found)
            if found.unique:
                if (record.name, found.name, value) in self.taken and found.nullable:
                    continue
                while (record.name, found.name, value) in self.taken:
                    value = self.value(found)
                    value = f"{value} {self.random.randrange(10**6)}" if isinstance(value, str) else value
                self.taken.add((record.name, found.name, value))
            if value is not None:
                row[found.name] = value
        if record.name == "customer":
            row["restricted"] = self.random.random() < 0.2
        if record.name in {"customer", "route"}:
            row |= self._placed(row)
        if record.name == "customer_class":
            row["own_dimension"] = "行业" if row["dimension"] == "OWN" else None
        if record.name == "classified_customer":
            while ("classified", row["customer_id"]) in self.taken:
                row["customer_id"] = self.value(record.fields["customer_id"])
            self.taken.add(("classified", row["customer_id"]))
        if record.name in {"route_stop", "segment_member"}:
            row |= self._listed(record.name)
        if record.name == "segment":
            row |= self._asked_by_segment()
        if record.name in {"customer_collaborator", "archive_grant"}:
            row |= self._shared(record.name)
        if record.name == "grade_scheme":
            # One scheme of a company leads.
            row["leads"] = not self.ids["grade_scheme"] and ("leading",) not in self.taken
            self.taken.add(("leading",))
        if record.name == "grade_level":
            row["code"] = f"L{self.random.randrange(10**6)}"
        if record.name == "grade_rule":
            row["number"] = self.random.randrange(1, 10**9)
        if record.name == "notice":
            row["occasion"] = f"o{self.random.randrange(10**9)}"
        if record.name == "notice_preference":
            while ("choice", row["member_id"], row["kind"]) in self.taken:
                row |= {name: self.value(record.fields[name]) for name in ("member_id", "kind")}
            self.taken.add(("choice", row["member_id"], row["kind"]))
        if record.name == "notice_schedule":
            while ("times", row["member_id"]) in self.taken:
                row["member_id"] = self.value(record.fields["member_id"])
            self.taken.add(("times", row["member_id"]))
        if record.name == "handover" and row["state"] == "RUNNING":
            while ("handing over", row["member_id"]) in self.taken:
                row["member_id"] = self.value(record.fields["member_id"])
            self.taken.add(("handing over", row["member_id"]))
        if record.name.startswith(("questionnaire", "survey")):
            row |= self._of_survey(record.name, row)
        if record.name == "service_standard":
            while ("standard", row.get("grade_level_id"), row.get("priority")) in self.taken:
                row |= {name: self.value(record.fields[name]) for name in ("grade_level_id", "priority")}
            self.taken.add(("standard", row.get("grade_level_id"), row.get("priority")))
            row["solution_minutes"] = max(row["first_answer_minutes"], row["solution_minutes"])
        if record.name in {"rule_version", "approval_request"}:
            row["kind"] = f"kind {self.random.randrange(10**6)}"
        if record.name in {"contract", "owned_product", "meeting", "meeting_attendee", "verification_cycle"}:
            row |= self._dated(record, row)
        if record.name in {"demand", "quotation", "price_step", "invoice", "payment"}:
            row |= self._traded(record.name, row)
        if record.name == "file":
            row["attached_to"] = self._attached()
        if record.name == "service_request" and row.get("owner_id") not in {None, *self.able}:
            row["owner_id"] = self.random.choice(self.able)
        if record.name == "report_recipient":
            pairs = [
                (d, m)
                for d in self.ids["report_definition"]
                for m in self.ids["member"]
                if ("recipient", d, m) not in self.taken
            ]
            row["definition_id"], row["member_id"] = pair = self.random.choice(pairs)
            self.taken.add(("recipient", *pair))
        if record.name == "contact_consent":
            row["contact_id"] = self.value(record.fields["contact_id"])
        if record.name == "daily_report":
            while ("day", row["member_id"], row["day"]) in self.taken:
                row |= {name: self.value(record.fields[name]) for name in ("member_id", "day")}
            self.taken.add(("day", row["member_id"], row["day"]))
        if record.name == "watch_entry":
            row["customer_id"] = (
                self._unused("customer") if row.get("ended_on") is None else row["customer_id"]
            )
        if record.name == "handed_customer":
            while ("handed", row["handover_id"], row["customer_id"]) in self.taken:
                row |= {name: self.value(record.fields[name]) for name in ("handover_id", "customer_id")}
            self.taken.add(("handed", row["handover_id"], row["customer_id"]))
        if record.name == "mail_suppression":
            self.taken.add(("suppressed", len(self.taken)))
            row["address"] = f"nobody{len(self.taken)}@x.example"
        if record.name == "mail_template":
            kinds = [(kind, code) for kind in TEMPLATE_KINDS for code in ("ZH_CN", "EN")]
            free = [pair for pair in kinds if ("template", *pair) not in self.taken]
            row["kind"], row["language"] = pair = self.random.choice(free)
            self.taken.add(("template", *pair))
            words = TEMPLATE_KINDS[pair[0]].words("en")
            row |= {"subject": words.subject, "body": words.body, "button": None}
        if record.name == "consent_rule":
            while ("consent rule", row["channel"], row["purpose"]) in self.taken:
                row |= {name: self.value(record.fields[name]) for name in ("channel", "purpose")}
            self.taken.add(("consent rule", row["channel"], row["purpose"]))
        if record.name == "customer_tag":
            pairs = [
                (c, t)
                for c in self.ids["customer"]
                for t in self.ids["tag"]
                if ("pair", c, t) not in self.taken
            ]
            row["customer_id"], row["tag_id"] = pair = self.random.choice(pairs)
            self.taken.add(("pair", *pair))
        return row

    def _shared(self, name: str) -> dict[str, Any]:
        """With whom a customer is shared, or to whom it is opened: living or over."""
        pairs = [
            (c, m) for c in self.ids["customer"] for m in self.ids["member"] if (name, c, m) not in self.taken
        ]
        customer, member = pair = self.random.choice(pairs)
        self.taken.add((name, *pair))
        until = datetime.now(UTC) + timedelta(days=self.random.choice([-1, 30, 60]))
        return {"customer_id": customer, "member_id": member, "until": until}

    def _placed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A place on the map has both its numbers."""
        both = [
            name for name in ("latitude", "longitude", "start_latitude", "start_longitude") if name in row
        ]
        return dict.fromkeys(both) if len(both) == 1 else {}

    def _listed(self, name: str) -> dict[str, Any]:
        """A customer stands once on a list."""
        on = name.removesuffix("_stop").removesuffix("_member")
        free = [
            (each, c)
            for each in self.ids[on]
            for c in self.ids["customer"]
            if (name, each, c) not in self.taken
        ]
        listed, customer = pair = self.random.choice(free)
        self.taken.add((name, *pair))
        return {f"{on}_id": listed, "customer_id": customer}

    def _asked_by_segment(self) -> dict[str, Any]:
        """A filter as the API takes it and as it is stored; of the second half some name a segment of the first."""
        number = sum(key[0] == "segment" for key in self.taken)
        self.taken.add(("segment", "number", number))
        known = self.ids["segment"]
        conditions, where = (
            ({"segment": f"seg_{known[number % 4].hex}"}, Kept("customer", known[number % 4]))
            if known and number % 2
            else _FILTERS[number % len(_FILTERS)]
        )
        return {"conditions": conditions, "stored_filter": encode_filter(where)}

    def _dated(self, record: RecordType, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the rules of the records that dates come from leave no choice about."""
        match record.name:
            case "contract":
                begun = {"signed_on", "starts_on"} <= row.keys()
                return {
                    "state": row["state"] if begun else "DRAFT",
                    "ends_on": row.get("starts_on", date(2024, 1, 1))
                    + timedelta(days=self.random.choice([0, 30, 365])),
                }
            case "owned_product":
                begun = row.get("installed_on", date(2024, 1, 1))
                until = begun + timedelta(days=self.random.choice([0, 30, 365]))
                serial = f"S{self.random.randrange(10**9)}"
                return {"model": "Pump", "serial_number": serial, "warranty_until": until}
            case "meeting":
                return {"ends_at": row["starts_at"] + timedelta(hours=1)}
            case "meeting_attendee":
                meeting, member = row["meeting_id"], row.get("member_id")
                if member is None or ("attendee", meeting, member) in self.taken:
                    return {"member_id": None, "name": "王芳"}
                self.taken.add(("attendee", meeting, member))
                return {"name": None}
        chosen = (row.get("grade_level_id"), row.get("state"))
        while ("cycle", *chosen) in self.taken:
            chosen = (self.value(record.fields["grade_level_id"]), self.value(record.fields["state"]))
        self.taken.add(("cycle", *chosen))
        return {"grade_level_id": chosen[0], "state": chosen[1]}

    def _traded(self, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the rules of trade leave no choice about: ends and answers fit the state, payments what is open."""
        match name:
            case "demand":
                closed = {"closed_on": date(2024, 5, 1), "reason": "Price"} if row["state"] != "OPEN" else {}
                stage = self.random.choice(["CONTACT", "NEED", "QUOTED", "CLOSING"])
                return {"stage": stage, "closed_on": None, "reason": None, **closed}
            case "quotation":
                answered = date(2024, 5, 3) if row["state"] in {"ACCEPTED", "DECLINED"} else None
                sent = None if row["state"] == "DRAFT" else date(2024, 5, 2)
                return {"sent_on": sent, "answered_on": answered, "valid_until": date(2024, 6, 1)}
            case "price_step":
                self.taken.add(("step", len(self.taken)))
                return {"from_quantity": Decimal(len(self.taken))}
            case "invoice":
                until = row["issued_on"] + timedelta(days=self.random.choice([0, 30]))
                return {"due_on": until, "cancelled_on": None, "amount": self.random.choice([100, 10**6])}
        return {"amount": self.random.choice([1, 2, 3])}

    def _of_survey(self, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """What the rules of surveys leave no choice about: one draft a questionnaire, one answer an invitation."""
        match name:
            case "questionnaire":
                return {
                    "remind_after_days": self.random.randrange(1, 30),
                    "expires_after_days": self.random.randrange(30, 60),
                }
            case "questionnaire_version":
                return {"questionnaire_id": self._unused("questionnaire")}
            case "survey_answer":
                return {"invitation_id": self._unused("survey_invitation")}
            case "survey_item_answer":
                pairs = {(a, i) for a in self.ids["survey_answer"] for i in self.ids["survey_item"]}
                answer, item = pair = self.random.choice(
                    sorted(pairs - {p[1:] for p in self.taken if p[0] == name})
                )
                self.taken.add((name, *pair))
                return {"answer_id": answer, "item_id": item}
            case "survey_item":
                return self._question(row)
        return {}

    def _unused(self, name: str) -> UUID:
        """A record of that kind that nothing has been made for yet."""
        free = [one for one in self.ids[name] if (name, "used", one) not in self.taken]
        chosen = self.random.choice(free)
        self.taken.add((name, "used", chosen))
        return chosen

    def _question(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The first half are headings, the second half questions, most of them below one of these."""
        key = f"k{self.random.randrange(10**9)}"
        if not self.ids["survey_item"]:
            self.headings.append(row["version_id"])
            return {"key": key, "kind": "GROUP"}
        kind = row["kind"] if row["kind"] != "GROUP" else "CHOICE"
        offers = [{"code": "A", "label": {"en": "One", "zh": "一"}}] if kind == "CHOICE" else None
        place = self.random.randrange(len(self.headings))
        below = {"parent_id": self.ids["survey_item"][place], "version_id": self.headings[place]}
        return {"key": key, "kind": kind, "options": offers, **(below if self.random.random() < 0.8 else {})}

    async def _publish(self) -> None:
        """Two versions are in force, one is no more, one is a draft still."""
        states = dict(
            zip(self.ids["questionnaire_version"], ("PUBLISHED", "PUBLISHED", "SUPERSEDED"), strict=False)
        )
        changes = [
            Change("questionnaire_version", "update", v, values={"state": s}) for v, s in states.items()
        ]
        for questionnaire, version in zip(self.ids["questionnaire"][:2], states, strict=False):
            values = {"current_version_id": version, "active": True}
            changes.append(Change("questionnaire", "update", questionnaire, values=values))
        await self.factory.change(changes)

    def _attached(self) -> str | None:
        """Something that a file belongs to, of every kind."""
        kinds = [name for name, ids in self.ids.items() if ids and name != "file"]
        if self.random.random() < 0.3:
            return None
        name = self.random.choice(kinds)
        return f"{catalogue().record(name).prefix}_{self.random.choice(self.ids[name]).hex}"

    def value(self, found: Field) -> Any:
        pick, kind = self.random, found.kind
        if found.target is not None:
            known = self.ids.get(found.target) or []
            return pick.choice(known) if known else None
        match kind:
            case EmailKind():
                return pick.choice(["a@x.example", "b@x.example", "Zoë@x.example", "a_b%c@x.example"])
            case PhoneKind():
                return pick.choice(["030-0074321", "(5) 555-4729", "13912345678", "021 6888 1234", "n/a"])
            case ColourKind():
                return pick.choice(["#000000", "#ff0000", "#6688aa"])
            case CurrencyKind():
                return pick.choice(["CNY", "USD", "EUR"])
            case CountryKind():
                return pick.choice(["CN", "DE", "US", "MX"])
            case ChoiceKind(options=options):
                return pick.choice(options).code
            case ChoicesKind(options=options):
                return sorted(
                    o.code for o in pick.sample(options, pick.randrange(1 if found.required else 0, 3))
                )
            case FlagKind():
                return pick.random() < 0.5
            case DecimalKind(minimum=low, maximum=high):
                wanted = [Decimal(n) for n in ("0", "0.15", "1", "1.5", "3", "10.25", "1000000", "0.000001")]
                return pick.choice([n for n in wanted if low <= n <= high])
            case IntegerKind(minimum=low, maximum=high):
                return pick.choice(
                    [n for n in (-5, 0, 1, 2, 3, 7, 100, 2024, 10**6, 10**12) if low <= n <= high]
                )
            case DayKind():
                return date(2024, 1, 1) + timedelta(days=pick.choice([-800, -30, -1, 0, 1, 2, 29, 365]))
            case InstantKind():
                steps = [0, 1, 60, 3600, 86400, 0.000001, 0.5, -(10**7)]
                return datetime(2024, 2, 29, 12, tzinfo=UTC) + timedelta(seconds=pick.choice(steps))
            case LocalisedKind():
                return pick.choice([{"en": "One", "zh": "一"}, {"zh": "二"}, {"en": "Three"}])
            case WordsKind():
                return pick.sample(["a", "b", "上海"], 2)
            case DocumentKind():
                return pick.choice([{}, {"a": [1, None, "上"]}, {"b": {"c": 1.5}}])
        limit = getattr(kind, "max_length", 200)
        return (pick.choice(TEXTS)[:limit]).strip() or "x"

    def _own(self, record: str) -> dict[str, Any]:
        if record not in {"customer", "contact", "order"}:
            return {}
        pick = self.random
        values: dict[str, Any] = {
            "own_text": pick.choice(TEXTS),
            "own_integer": pick.choice([-1, 0, 5, 10**12]),
            "own_decimal": pick.choice(["0.5", "10", "-3.25", "1000"]),
            "own_day": date(2024, 1, 1) + timedelta(days=pick.choice([0, 1, 40])),
            "own_flag": pick.random() < 0.5,
            "own_choice": pick.choice(["red", "green", "蓝"]),
        }
        return {key: value for key, value in values.items() if pick.random() < 0.6}

    async def _grade_customers(self) -> None:
        changes = []
        for customer in self.ids["customer"]:
            if self.random.random() < 0.6:
                values = {
                    "grade_level_id": self.random.choice(self.ids["grade_level"]),
                    "grade_rank": self.random.choice([1, 2, 3]),
                }
                changes.append(Change("customer", "update", customer, values=values))
        await self.factory.change(changes)


def _own_role(scope: str, **more: Any) -> dict[str, Any]:
    reach = {"read": scope, "names": scope, "sensitive": {"phone": scope}}
    records = dict.fromkeys(("customer", "contact", "order", "service_request", "follow_up_plan"), reach)
    return {"base": "REPRESENTATIVE", "label": {"en": "Ours"}, "records": records, **more}


_BOOKKEEPING = frozenset({"version", "created_at", "updated_at", "archived_at", "custom", "occasion"})


async def populate(factory: Factory, random: Random, superuser_url: str) -> Population:
    """Fill a company; what stands in it afterwards is read with a superuser's connection."""
    populating = Populating(factory, random)
    people = await populating.people()
    await populating.own_fields()
    await populating.records()
    company = await load_company(superuser_url, factory.company.ref.schema)
    return Population(people, company, {name: looker(company, member) for name, member in people.items()})


async def load_company(superuser_url: str, schema: str) -> Company:
    """Every row of every table of a company."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads
        )
        rows = {}
        for record in catalogue():
            found = await connection.fetch(f'SELECT * FROM "{schema}"."{record.table.name}"')
            rows[record.table.name] = {row["id"]: dict(row) for row in found}
    finally:
        await connection.close()
    defined = [row for row in rows["custom_field"].values() if row["archived_at"] is None]
    defined.sort(key=lambda row: (row["record"], row["position"], row["key"]))
    return Company(rows, [_custom_field(row) for row in defined])


def _custom_field(row: Mapping[str, Any]) -> CustomField:
    return CustomField(
        id=row["id"].hex,
        record=row["record"],
        key=row["key"],
        kind_name=row["kind"],
        label_en="",
        label_zh="",
        options=tuple((option, option) for option in row["options"] or ()),
    )


def looker(company: Company, member: TestMember) -> Looker:
    """A member as the reference sees them: the department's people are found by walking up from each."""
    row = company.rows["member"][member.id]
    departments = company.rows["department"]

    def belongs(unit: UUID | None, above: set[UUID]) -> bool:
        while unit is not None:
            if unit in above:
                return True
            unit = departments[unit]["parent_id"]
        return False

    def people(above: set[UUID]) -> frozenset[UUID]:
        found = company.rows["member"].values()
        return frozenset(other["id"] for other in found if belongs(other["department_id"], above))

    unit = {row["department_id"]} - {None}
    (version,) = [v for v in company.rows["rule_version"].values() if v["kind"] == "access"]
    rules = rules_of(version["content"])
    held = {*row["roles"], *(row["own_roles"] or ())}
    chosen = {d for code in held & set(rules.roles) for d in rules.roles[code].departments}
    access = access_of(held, full_seat=row["seat"] == "FULL", tables=rules.tables)
    now = datetime.now(UTC)
    shares = _living(company, "customer_collaborator", row["id"], now)
    grants = [g for g in _living(company, "archive_grant", row["id"], now) if g["state"] == "GRANTED"]
    sees_restricted = "archive_grant" in access and access["archive_grant"].read is Scope.ALL
    return Looker(
        member.id,
        people(unit),
        access,
        unit=frozenset(m["id"] for m in company.rows["member"].values() if m["department_id"] in unit),
        chosen=people(unit | chosen),
        shared=frozenset(s["customer_id"] for s in (*shares, *grants)),
        shared_to_write=frozenset(s["customer_id"] for s in shares if s["role"] == "WRITE"),
        closed=not sees_restricted,
        opened=frozenset(g["customer_id"] for g in grants),
    )


def _living(company: Company, table: str, member: UUID, now: datetime) -> list[Any]:
    rows = company.rows[table].values()
    return [r for r in rows if r["member_id"] == member and r["until"] > now and r["archived_at"] is None]

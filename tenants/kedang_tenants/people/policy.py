"""The default policy: role × record × action, as the product's owners wrote it down.

A member with several roles has the furthest reach of each. A record or role that is not named here
has no right at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from types import MappingProxyType

from kedang_tenants.reading import Access, Scope

ALL, DEPARTMENT, OWN, NONE = Scope.ALL, Scope.DEPARTMENT, Scope.OWN, Scope.NONE

_EVERYTHING = MappingProxyType(
    {"phone": ALL, "credit": ALL, "bank": ALL, "profit": ALL, "cost": ALL, "respondent": ALL}
)
FULL = Access(names=ALL, read=ALL, create=ALL, update=ALL, archive=ALL, export=ALL, sensitive=_EVERYTHING)


def _reads(scope: Scope, *, names: Scope = NONE, export: Scope = NONE, **sensitive: Scope) -> Access:
    return Access(names=max(scope, names), read=scope, export=export, sensitive=MappingProxyType(sensitive))


def _keeps(scope: Scope, *, names: Scope = NONE, archive: bool = False, **sensitive: Scope) -> Access:
    reach = scope if archive else NONE
    return replace(
        _reads(scope, names=names, export=reach, **sensitive), create=scope, update=scope, archive=reach
    )


# What a customer owns is part of its archive, kept by service as well.
ARCHIVE = (
    "customer",
    "contact",
    "contact_consent",
    "customer_tag",
    "customer_collaborator",
    "classified_customer",
    "segment_member",
    "owned_product",
    "pool_move",
)
# Accesses to restricted archives: to read all is to see these, to change all is to close and open them.
GRANTS = ("archive_grant",)
TRADE = (
    "demand",
    "quotation",
    "order",
    "order_line",
    "delivery",
    "contract",
    "customer_grade",
)  # a grade tells what was sold
PRODUCTS = ("product", "product_category", "price_step")
RECEIVABLES = ("invoice", "payment")  # finance keeps them
FOLLOW_UPS = (
    "route",
    "route_stop",
    "follow_up_plan",
    "follow_up_record",
    "meeting",
    "meeting_attendee",
    "meeting_action",
    "minutes_receipt",
    "visit_form",
    "hot_mark",
)
DAILIES = ("daily_report", "emergency_report")
CARDS = ("daily_report_card",)
WATCHED = ("watch_entry",)
GRADES = ("grade_scheme", "grade_level", "grade_rule")
TRIALS = ("grade_trial", "grade_trial_row")  # who sets up the grades tries them out; rows tell what was sold
CLASSES = ("customer_class", "region")
QUESTIONNAIRES = ("questionnaire", "questionnaire_version", "survey_item")
SURVEYS = ("survey_invitation", "survey_answer", "survey_item_answer", "survey_sending", "survey_link")
PEOPLE = ("member", "department")
SERVICE = ("service_request", "service_note", "repair_record")
SERVICE_RULES = ("service_standard", "service_assignment")
CORRESPONDENCE = ("mail_identity", "mail_template")
SUPPRESSIONS = ("mail_suppression",)
RULES = ("rule_version",)
APPROVALS = ("approval_request", "approval_turn", "approval_event", "approval_deputy")
SET_UP = (
    "custom_field",
    "consent_rule",
    *CORRESPONDENCE,
    "calendar_day",
    "working_week",
    "verification_cycle",
    *CLASSES,
    *RULES,
    "approval_flow",
    *GRADES,
    *QUESTIONNAIRES,
    *SERVICE_RULES,
)
WEBHOOKS = ("webhook", "webhook_delivery")
PROTECTION = ("retention_run", "person_request")
HANDOVERS = ("handover", "handed_customer")
# Whoever keeps reports keeps segments: both are questions that are put again.
REPORTS = ("report_definition", "report_recipient", "report_run", "segment")
OWN_THINGS = ("import", "export", "bulk_operation")
INBOX = ("notice", "notice_preference", "notice_schedule")  # nobody looks into another's, not even the owner

Table = Mapping[str, Access]


def _surveys(scope: Scope, *, phone: Scope) -> tuple[Iterable[str], Access]:
    """Who was asked and what they answered, by name; and the right to invite and to enter answers."""
    return SURVEYS, replace(_reads(scope, respondent=scope, phone=phone), create=scope)


def _table(*rows: tuple[Iterable[str], Access]) -> Table:
    return MappingProxyType({record: access for records, access in rows for record in records})


def _common(*, tags: Access, files: Access) -> tuple[tuple[Iterable[str], Access], ...]:
    """What every signed-in member has: names of people, set-up to read, one's own notices and imports."""
    return (
        (PEOPLE, _reads(NONE, names=ALL)),
        (SET_UP, _reads(ALL)),
        (("tag",), tags),
        (("file",), files),
        (APPROVALS, replace(_reads(OWN), create=OWN)),
        (HANDOVERS, _reads(OWN)),
        (OWN_THINGS, _keeps(OWN)),
        (INBOX, _keeps(OWN)),
    )


_EMPLOYEE = _common(tags=_keeps(ALL), files=_keeps(OWN))
_ONLOOKER = _common(tags=_reads(ALL), files=_reads(OWN))

_OFFICE = _table(
    (
        (
            *ARCHIVE,
            *GRANTS,
            "tag",
            "file",
            *TRADE,
            *PRODUCTS,
            *FOLLOW_UPS,
            *SERVICE,
            *SET_UP,
            *SURVEYS,
            *PEOPLE,
            *REPORTS,
            *WEBHOOKS,
            *PROTECTION,
            *APPROVALS,
            *HANDOVERS,
            *SUPPRESSIONS,
            *OWN_THINGS,
            *TRIALS,
            *WATCHED,
        ),
        FULL,
    ),
    ((*DAILIES, *CARDS, *RECEIVABLES), _reads(ALL)),
    (INBOX, _keeps(OWN)),
)
_EXPORTS_ALL = _reads(ALL, export=ALL, phone=ALL, credit=ALL, bank=ALL, profit=ALL, cost=ALL)
_PHONES = {"phone": ALL}
_ASKS = replace(_reads(OWN), create=OWN)
_OF_OWN_CUSTOMERS = replace(_reads(OWN), create=OWN)
# Whoever answers the telephone takes in what any customer asks, and sees who has it; the rest is the department's.
_TAKEN_IN = replace(_keeps(DEPARTMENT, names=ALL, archive=True), create=ALL, export=NONE)
# Taking a card out of a draft is editing the report.
_DAY_BY_DAY = (
    (DAILIES, _keeps(OWN)),
    (CARDS, replace(_keeps(OWN, archive=True), export=NONE)),
    (WATCHED, _reads(OWN, credit=OWN)),
)

DEFAULT_POLICY: Mapping[str, Table] = MappingProxyType(
    {
        "OWNER": _OFFICE,
        "ADMIN": _OFFICE,
        "GENERAL_MANAGER": _table(
            *_EMPLOYEE,
            (HANDOVERS, _reads(ALL)),
            (SUPPRESSIONS, _reads(ALL, **_PHONES)),
            (REPORTS, _keeps(ALL, archive=True)),
            (PEOPLE, _reads(ALL)),
            (GRANTS, _reads(ALL)),
            (TRIALS, _reads(ALL, profit=ALL)),
            ((*ARCHIVE, "tag", "file", *PRODUCTS), _EXPORTS_ALL),
            (TRADE, _reads(ALL, profit=ALL, cost=ALL)),
            ((*FOLLOW_UPS, *SERVICE, *RECEIVABLES), _reads(ALL)),
            (SURVEYS, _reads(ALL, phone=ALL, respondent=ALL)),
            ((*DAILIES, *CARDS), _reads(ALL)),
            (WATCHED, _reads(ALL, credit=ALL)),
            (("customer_grade",), replace(_reads(ALL, profit=ALL), update=ALL)),
        ),
        "DEPARTMENT_MANAGER": _table(
            *_EMPLOYEE,
            (HANDOVERS, _reads(DEPARTMENT)),
            (RULES, replace(_reads(ALL), create=OWN, update=OWN)),  # a department drafts rules (T8)
            (REPORTS, _keeps(DEPARTMENT, archive=True)),
            (PEOPLE, _reads(DEPARTMENT, names=ALL)),
            (GRANTS, _ASKS),
            (
                ARCHIVE,
                _keeps(
                    DEPARTMENT,
                    archive=True,
                    phone=DEPARTMENT,
                    credit=DEPARTMENT,
                    bank=DEPARTMENT,
                    profit=DEPARTMENT,
                ),
            ),
            (TRADE, _keeps(DEPARTMENT, archive=True, profit=DEPARTMENT)),
            (RECEIVABLES, _reads(DEPARTMENT)),
            (FOLLOW_UPS, replace(_keeps(DEPARTMENT, archive=True), export=NONE)),
            (SERVICE, replace(_keeps(DEPARTMENT), export=NONE)),
            _surveys(DEPARTMENT, phone=DEPARTMENT),
            (DAILIES, replace(_keeps(DEPARTMENT), export=NONE)),
            (CARDS, replace(_keeps(DEPARTMENT, archive=True), export=NONE)),
            (WATCHED, _reads(DEPARTMENT, credit=DEPARTMENT)),
            (PRODUCTS, _reads(ALL, export=ALL)),
        ),
        "REPRESENTATIVE": _table(
            *_EMPLOYEE,
            *_DAY_BY_DAY,
            (REPORTS, _keeps(OWN, archive=True)),
            (ARCHIVE, _keeps(OWN, names=DEPARTMENT, phone=OWN, credit=OWN, bank=OWN)),
            (GRANTS, _ASKS),
            (TRADE, _keeps(OWN)),
            (RECEIVABLES, _reads(OWN)),
            (FOLLOW_UPS, _keeps(OWN)),
            (SERVICE, _OF_OWN_CUSTOMERS),
            _surveys(OWN, phone=OWN),
            (PRODUCTS, _reads(ALL)),
        ),
        "ACCOUNT_MANAGER": _table(
            *_EMPLOYEE,
            *_DAY_BY_DAY,
            (REPORTS, _keeps(OWN, archive=True)),
            (ARCHIVE, _keeps(OWN, names=DEPARTMENT, phone=OWN, credit=OWN, bank=OWN)),
            (GRANTS, _ASKS),
            (TRADE, _keeps(OWN)),
            (RECEIVABLES, _reads(OWN)),
            (FOLLOW_UPS, _keeps(OWN)),
            (SERVICE, _OF_OWN_CUSTOMERS),
            _surveys(OWN, phone=OWN),
            (PRODUCTS, _reads(ALL)),
        ),
        "SERVICE_AGENT": _table(
            *_EMPLOYEE,
            (REPORTS, _keeps(OWN, archive=True)),
            (ARCHIVE, _reads(ALL, **_PHONES)),
            (("owned_product",), replace(_keeps(ALL), export=NONE)),
            (GRANTS, _ASKS),
            (TRADE, _reads(ALL)),
            (FOLLOW_UPS, _keeps(OWN)),
            (SERVICE, _TAKEN_IN),
            (("repair_record",), replace(_TAKEN_IN, read=ALL)),
            _surveys(ALL, phone=ALL),
            (PRODUCTS, _reads(ALL)),
        ),
        "FINANCE": _table(
            *_EMPLOYEE,
            (REPORTS, _keeps(ALL, archive=True)),
            (ARCHIVE, _reads(ALL, credit=ALL, bank=ALL, profit=ALL)),
            (GRANTS, _ASKS),
            (TRADE, _reads(ALL, profit=ALL, cost=ALL)),
            (RECEIVABLES, _keeps(ALL, archive=True)),
            (PRODUCTS, _reads(ALL, profit=ALL, cost=ALL)),
        ),
        "ARCHIVE_KEEPER": _table(
            *_EMPLOYEE,
            (HANDOVERS, _reads(ALL)),
            (REPORTS, _keeps(ALL, archive=True)),
            (PROTECTION, _keeps(ALL)),
            (
                (*ARCHIVE, "tag", "file"),
                _keeps(ALL, archive=True, phone=ALL, credit=ALL, bank=ALL, cost=ALL),
            ),
            (GRANTS, _keeps(ALL, archive=True)),
            (TRADE, _reads(ALL)),
            ((*FOLLOW_UPS, *SERVICE), _reads(ALL)),
            (SURVEYS, _reads(ALL, phone=ALL, respondent=ALL)),
            (PRODUCTS, _reads(ALL)),
        ),
        "MARKETER": _table(
            *_EMPLOYEE,
            (REPORTS, _keeps(ALL, archive=True)),
            (ARCHIVE, _reads(ALL)),
            (TRADE, _reads(ALL)),
            ((*FOLLOW_UPS, *SERVICE), _reads(ALL)),
            (("questionnaire", "questionnaire_version"), replace(_keeps(ALL), export=NONE)),
            # Taking a question out of a draft is editing the questionnaire.
            (("survey_item",), replace(_keeps(ALL, archive=True), export=NONE)),
            (("mail_template",), replace(_keeps(ALL), export=NONE)),
            (SUPPRESSIONS, _reads(ALL)),
            (SURVEYS, _keeps(ALL, archive=True, respondent=ALL)),
            (PRODUCTS, _reads(ALL)),
        ),
        "VIEW_ONLY": _table(
            *_ONLOOKER,
            (REPORTS, _reads(ALL)),
            (ARCHIVE, _reads(ALL)),
            (TRADE, _reads(ALL)),
            ((*FOLLOW_UPS, *SERVICE), _reads(ALL)),
            (SURVEYS, _reads(ALL)),
            (PRODUCTS, _reads(ALL)),
        ),
    }
)

# A member without a full seat reads, whatever their roles would let them do (T3).
_WITHOUT_A_SEAT = replace(FULL, create=NONE, update=NONE, archive=NONE)


def access_of(
    roles: Iterable[str], *, full_seat: bool, tables: Mapping[str, Table] = DEFAULT_POLICY
) -> Table:
    """The rights of a member: the furthest reach of all roles, without the writing ones where no seat is held.

    ``tables`` are those of the company's own rules, where it has some. One's own notices stay one's own to
    change: a reminder is read by whoever gets it.
    """
    held = [tables[role] for role in roles if role in tables]
    records = {record for table in held for record in table}
    merged = {r: reduce(_furthest, (table[r] for table in held if r in table)) for r in records}
    if not full_seat:
        merged = {
            record: access if record in INBOX else _at_most(access, _WITHOUT_A_SEAT)
            for record, access in merged.items()
        }
    return MappingProxyType(merged)


def system_access(records: Iterable[str]) -> Table:
    """The rights of the product itself, doing a company's own work."""
    return MappingProxyType(dict.fromkeys(records, FULL))


def _furthest(one: Access, other: Access) -> Access:
    classes = {*one.sensitive, *other.sensitive}
    return Access(
        names=max(one.names, other.names),
        read=max(one.read, other.read),
        create=max(one.create, other.create),
        update=max(one.update, other.update),
        archive=max(one.archive, other.archive),
        export=max(one.export, other.export),
        sensitive=MappingProxyType(
            {c: max(one.sensitive.get(c, NONE), other.sensitive.get(c, NONE)) for c in classes}
        ),
    )


def _at_most(access: Access, limit: Access) -> Access:
    return replace(
        access,
        create=min(access.create, limit.create),
        update=min(access.update, limit.update),
        archive=min(access.archive, limit.archive),
    )

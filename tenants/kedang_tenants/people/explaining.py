"""Why somebody can, or cannot, see or change something: the rule, the role, the scope, the seat, the mask (A11).

Of what the asker does not see the answer is the one that holds for what does not exist: it speaks of the
kind of record and of the asker's rights on it, never of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.registry import Company
from kedang_tenants.catalogue import Field, RecordType
from kedang_tenants.people.access import role_label
from kedang_tenants.people.access_rules import AccessRules, cell_of
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.policy import access_of
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import NO_ACCESS, Access, Scope, Viewer
from kedang_tenants.reading.masks import field_scope, owned, visible, visible_scope, without_shares
from kedang_tenants.reading.statement import Statement, quoted

Action = Literal["see", "read", "update", "archive", "restore", "export"]
_NUMBER = "SELECT number FROM rule_version WHERE id = $1"
_HELD = "SELECT roles, own_roles, seat FROM member WHERE id = $1"
_RIGHTS: Final = {
    "see": "names",
    "read": "read",
    "update": "update",
    "archive": "archive",
    "restore": "archive",
    "export": "export",
}
SCOPES: Final = {
    Scope.NONE: msg("nothing"),
    Scope.OWN: msg("what is one's own or shared"),
    Scope.DEPARTMENT_ONLY: msg("one's department"),
    Scope.DEPARTMENT: msg("one's department and those below"),
    Scope.CHOSEN: msg("chosen departments"),
    Scope.ALL: msg("everything"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that lets or keeps somebody; ``code`` is for programs, ``text`` for people."""

    code: str
    text: str
    role: str | None = None
    scope: Scope | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: whether it is allowed, why, and under which version of the rules (None: the product's own)."""

    allowed: bool
    reasons: tuple[Reason, ...]
    rule_version: int | None
    rule_version_id: UUID | None


@dataclass(frozen=True)
class _Question:
    """Who wants to do what with which record, and in which language it is answered."""

    subject: Viewer
    record: RecordType
    action: Action
    field: Field | None
    rules: AccessRules
    held: tuple[str, ...]
    full_seat: bool
    language: Language
    number: int | None

    def say(self, code: str, text: str, **more: Any) -> Reason:
        known = {name: more.pop(name) for name in ("role", "scope", "field") if name in more}
        params = {
            "records": translate(self.record.labels[1], self.language),
            "field": translate(self.field.spec.label, self.language) if self.field else "",
            "scope": translate(SCOPES[known.get("scope", Scope.NONE)], self.language),
            "role": role_label(self.rules, known["role"], self.language) if known.get("role") else "",
            **more,
        }
        return Reason(code, translate(text, self.language, params), **known)

    @property
    def access(self) -> Access:
        return self.subject.on(self.record.name)

    @property
    def reach(self) -> Scope:
        """How far the right that is asked about reaches, before any row is looked at."""
        return self._reach(self.access)

    def _reach(self, access: Access) -> Scope:
        if self.action == "see":
            return max(access.names, access.read)
        if self.action == "read" and self.field is not None:
            viewer = replace(self.subject, access={self.record.name: access}, known_masks={})
            return field_scope(viewer, self.record, self.field)
        return cell_of(access, _RIGHTS[self.action])

    def by_role(self) -> Iterator[tuple[str, Scope]]:
        """How far each of the roles reaches by itself."""
        for code in self.held:
            access = access_of((code,), full_seat=self.full_seat, tables=self.rules.tables)
            yield code, self._reach(access.get(self.record.name, NO_ACCESS))

    def with_a_seat(self) -> Scope:
        access = access_of(self.held, full_seat=True, tables=self.rules.tables)
        return self._reach(access.get(self.record.name, NO_ACCESS))


async def why_not(
    read: TenantRead,
    viewer: Viewer,
    *,
    company: Company,
    record: RecordType,
    record_id: UUID,
    action: Action,
    field_name: str | None,
    member_id: UUID | None,
    language: Language,
    clock: Clock,
) -> Explanation:
    """Why a member - oneself without ``member_id`` - can or cannot do something with a record, or a field of it.

    Raises BadUserInput for a field that there is not; Forbidden for whoever asks about others without managing
    people, NotFound for a member that there is not.
    """
    found = _field(record, field_name)
    subject = await _subject(read, viewer, company, member_id, clock)
    version_id, rules = await rules_in_force(read)
    number = await read.fetchval(_NUMBER, version_id) if version_id else None
    if subject is None:
        text = translate(msg("Only who is an active member sees anything."), language)
        return Explanation(False, (Reason("NOT_ACTIVE", text),), number, version_id)
    row = await read.fetchrow(_HELD, subject.member_id)
    assert row is not None
    held = (*row["roles"], *(row["own_roles"] or ()))
    question = _Question(subject, record, action, found, rules, held, row["seat"] == "FULL", language, number)
    facts = await _facts(read, viewer, question, record_id)
    allowed, reasons = (False, [*_unseen(question)]) if facts is None else _judged(question, facts)
    return Explanation(allowed, tuple(reasons), number, version_id)


def _field(record: RecordType, name: str | None) -> Field | None:
    if name is None:
        return None
    found = record.field_by_api_name(name)
    if found is None or found.spec.hidden:
        raise BadUserInput(msg("There is no field “{field}”."), path=("field",), field=name[:60])
    return found


async def _subject(
    read: TenantRead, viewer: Viewer, company: Company, member_id: UUID | None, clock: Clock
) -> Viewer | None:
    """Whose rights are explained; None for a member who is not active."""
    if member_id is None or member_id == viewer.member_id:
        return viewer
    people = viewer.on("member")
    if people.update is not Scope.ALL or people.create is not Scope.ALL:
        raise Forbidden(msg("Only who manages people may ask for others."), path=("memberId",))
    if await read.fetchval("SELECT id FROM member WHERE id = $1", member_id) is None:
        raise NotFound(msg("There is no such member."), path=("memberId",))
    return await load_viewer(read, company=company, member_id=member_id, clock=clock)


async def _facts(
    read: TenantRead, viewer: Viewer, question: _Question, record_id: UUID
) -> asyncpg.Record | None:
    """Where the row stands to the subject; None where the asker does not see it, whether it exists or not."""
    statement, record, subject = Statement(), question.record, question.subject
    writing = question.action in {"update", "archive", "restore"}
    open_subject = replace(subject, closed=False)
    scope = question.reach

    def within(who: Viewer) -> str:
        return owned(statement, who, record, "t", scope, writing=writing) or "TRUE"

    follows = record.follows is not None and not writing and scope >= visible_scope(subject, record)
    sql = (
        f"SELECT {visible(statement, subject, record, 't') or 'TRUE'} AS seen,"
        f" {visible(statement, open_subject, record, 't') or 'TRUE'} AS seen_unrestricted,"
        f" {'TRUE' if follows else within(subject)} AS within, {within(without_shares(subject))} AS alone,"
        f" t.archived_at FROM {quoted(record.table.name)} t"
        f" WHERE t.id = {statement.bind(record_id)}::uuid"
        f" AND {visible(statement, viewer, record, 't') or 'TRUE'}"
    )
    return await read.fetchrow(sql, *statement.values)


def _unseen(question: _Question) -> Iterator[Reason]:
    """What can be said without saying whether the record exists."""
    yield question.say("NOT_VISIBLE", msg("There is no such record, or it lies outside of what you may see."))
    seeing = replace(question, action="see", field=None)
    yield from _by_roles(seeing)
    if question.subject.on("archive_grant").read is not Scope.ALL:
        yield question.say(
            "RESTRICTED_HIDDEN",
            msg("Restricted archives are shown only to their keepers and by a timed grant."),
        )


def _judged(question: _Question, facts: asyncpg.Record) -> tuple[bool, list[Reason]]:
    against = list(_against(question, facts))
    if against:
        return False, [*against, *_by_roles(question)]
    return True, list(_in_favour(question, facts))


def _against(question: _Question, facts: asyncpg.Record) -> Iterator[Reason]:
    if not facts["seen"]:
        if facts["seen_unrestricted"]:
            yield question.say(
                "RESTRICTED", msg("The archive is restricted, and no living grant opens it to this member.")
            )
        elif visible_scope(question.subject, question.record) is Scope.NONE:
            yield question.say("NO_RIGHT", msg("None of the roles has this right on {records}."))
        else:
            yield _outside(replace(question, action="see", field=None))
        return
    yield from _of_the_record(question, facts)
    reach = question.reach
    if reach is Scope.NONE and not question.full_seat and question.with_a_seat() is not Scope.NONE:
        yield question.say(
            "SEAT_MISSING", msg("The roles would allow it, but the member holds no full seat.")
        )
    elif question.field is not None and _is_masked(question, facts):
        yield question.say(
            "MASKED",
            msg("“{field}” is masked here: it may be read of {scope}."),
            scope=reach,
            field=question.field.api_name,
        )
    elif reach is Scope.NONE:
        yield question.say("NO_RIGHT", msg("None of the roles has this right on {records}."))
    elif not facts["within"]:
        yield _outside(question)


def _of_the_record(question: _Question, facts: asyncpg.Record) -> Iterator[Reason]:
    """What holds for everybody: what the record offers, and what is archived."""
    action, found = question.action, question.field
    if action in {"update", "archive", "restore"} and action not in question.record.actions:
        yield question.say(
            "NOT_OFFERED", msg("{records} are not changed in this way by anybody; there are verbs for it.")
        )
    if action == "update" and facts["archived_at"] is not None:
        yield question.say("ARCHIVED", msg("This record is archived; restore it first."))
    if action == "update" and found is not None and (found.spec.read_only or found.spec.create_only):
        yield question.say("READ_ONLY", msg("“{field}” is never changed by hand."), field=found.api_name)
    if action == "export" and found is not None and not found.spec.exported:
        yield question.say("NOT_EXPORTED", msg("“{field}” is never exported."), field=found.api_name)


def _is_masked(question: _Question, facts: asyncpg.Record) -> bool:
    """Whether a field's own mask, rather than the record's scope, keeps it from being read or changed."""
    if question.action == "read":
        return not facts["within"]
    assert question.field is not None
    return field_scope(question.subject, question.record, question.field) is Scope.NONE


def _outside(question: _Question) -> Reason:
    return question.say(
        "OUT_OF_SCOPE",
        msg("The right on {records} reaches {scope}, and this record lies outside."),
        scope=question.reach,
    )


def _in_favour(question: _Question, facts: asyncpg.Record) -> Iterator[Reason]:
    if not facts["alone"]:
        yield question.say(
            "SHARED", msg("The customer is shared with the member, or opened to them for a time.")
        )
    yield from _by_roles(question)


def _by_roles(question: _Question) -> Iterator[Reason]:
    """What each role gives, and by which version of the rules."""
    for code, scope in question.by_role():
        version = question.number if code in question.rules.roles else None
        if version is None:
            text = msg("The role “{role}” has this right on {records} for {scope}, by the default rules.")
            yield question.say("ROLE", text, role=code, scope=scope)
        else:
            text = msg(
                "The role “{role}” has this right on {records} for {scope}, by version {version} of the access rules."
            )
            yield question.say("ROLE", text, role=code, scope=scope, version=version)

"""Records made through the one path of every write: whatever a test does not say is filled in so that it is valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from kedang_platform.clock import Clock, SystemClock
from kedang_platform.database import Databases
from kedang_platform.registry import Company
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
    FlagKind,
    InstantKind,
    IntegerKind,
    Kind,
    LocalisedKind,
    PhoneKind,
    RecordType,
    WordsKind,
    catalogue,
)
from kedang_tenants.changing import Change, Changed, change, change_internally
from kedang_tenants.people.viewers import system_viewer

_numbers = count(1)


def valid(kind: Kind) -> Any:
    """A value that a field of this kind takes, another one each time where the kind has many."""
    number = next(_numbers)
    match kind:
        case EmailKind():
            return f"person{number}@northwind.example"
        case PhoneKind():
            return "030-0074321"
        case ColourKind():
            return f"#{number % 0x1000000:06x}"
        case CurrencyKind():
            return "CNY"
        case CountryKind():
            return "DE"
        case ChoiceKind(options=options):
            return options[0].code
        case ChoicesKind(options=options):
            return [options[0].code]
        case FlagKind():
            return False
        case DecimalKind(minimum=minimum):
            return max(minimum, Decimal(0))
        case IntegerKind(minimum=minimum, maximum=maximum):
            return max(minimum, 1) + number % min(maximum, 500)
        case DayKind():
            return date.fromordinal(date(2020, 1, 1).toordinal() + number % 2000)  # never ahead
        case InstantKind():
            return datetime(2020, 1, 1, tzinfo=UTC)
        case LocalisedKind():
            return {"en": f"Text {number}", "zh": f"文本{number}"}
        case WordsKind():
            return [f"word{number}"]
        case DocumentKind():
            return {}
    return f"Text {number}"[: getattr(kind, "max_length", 40)]


# What the rules of the trade ask beyond the kinds of the fields.
_RULES: Mapping[str, Mapping[str, Any]] = {
    "custom_field": {"record": "customer", "kind": "TEXT"},
    "order_line": {"position": None},
    "demand": {"stage": None},
    "mail_template": {"kind": "survey.invitation", "subject": "How was it?", "body": "{link}"},
    "delivery": {"state": "PLANNED"},
    "invoice": {"amount": 1_000_000},
    "payment": {"amount": 1},  # no more than is open
    "service_standard": {"first_answer_minutes": 60, "solution_minutes": 600},
    "rule_version": {"state": "SUPERSEDED"},  # of a kind one is open
    "approval_request": {"state": "WITHDRAWN"},
    "service_request": {"number": None, "opened_at": None},
    "owned_product": {"model": "Pump"},
}
_KEYS = {"custom_field": ("key", "key_{}"), "grade_level": ("code", "L{}"), "survey_item": ("key", "item_{}")}


@dataclass
class Factory:
    """Makes records of one company as the product itself, which may do everything."""

    databases: Databases
    company: Company
    clock: Clock = field(default_factory=SystemClock)

    async def one(self, record: str, *, custom: Mapping[str, Any] | None = None, **values: Any) -> UUID:
        """A record; required fields that are not said are filled in, required references are made."""
        (made,) = await self.many(record, [values], custom=[custom or {}])
        return made

    async def many(
        self,
        record: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        custom: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[UUID]:
        """Records in the order of the rows, made by one change."""
        kind = catalogue().record(record)
        complete = [await self.complete(kind, row) for row in rows]
        customs = custom or [{}] * len(rows)
        changes = [
            Change(record, "create", values=values, custom=own)
            for values, own in zip(complete, customs, strict=True)
        ]
        return [changed.id for changed in await self.change(changes)]

    async def complete(self, record: RecordType, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a valid new record that are not said yet."""
        values = {**_RULES.get(record.name, {}), **given}
        if record.name in _KEYS:
            name, form = _KEYS[record.name]
            values.setdefault(name, form.format(next(_numbers)))
        if record.name == "contact_consent" and "address" not in values and "contact_id" not in values:
            values["contact_id"] = await self.one("contact")  # a statement is somebody's
        if record.name == "meeting_attendee" and not {"member_id", "contact_id", "name"} & values.keys():
            values["name"] = "Paula Wilson"  # somebody attends
        for wanted in record.fields.values():
            if wanted.name in values or not wanted.required or wanted.name in {"created_at", "updated_at"}:
                continue
            target = wanted.target
            values[wanted.name] = await self.one(target) if target else valid(wanted.kind)
        return {name: value for name, value in values.items() if value is not None}

    async def update(self, record: str, record_id: UUID, **values: Any) -> Changed:
        (changed,) = await self.change([Change(record, "update", record_id, values=values)])
        return changed

    async def archive(self, record: str, *ids: UUID) -> None:
        await self.change([Change(record, "archive", record_id) for record_id in ids])

    async def change(self, changes: Sequence[Change]) -> list[Changed]:
        """What people may not set or do is decided by the product, as in its own jobs."""
        if not changes:
            return []
        record = catalogue().record(changes[0].record)
        read_only = {name for name, known in record.fields.items() if known.spec.read_only}
        offered = all(one.action in record.actions for one in changes)
        internal = not offered or any(read_only & one.values.keys() for one in changes)
        async with self.databases.tenant_write(self.company.ref) as write:
            viewer = await system_viewer(write, company=self.company)
            made = change_internally if internal else change
            return await made(write, viewer, changes, clock=self.clock)

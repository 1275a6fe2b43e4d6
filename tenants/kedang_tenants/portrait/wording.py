"""What is told of a record on the timeline: a sentence and a few lines, in the language of whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import orjson

from kedang_platform.i18n import Language, msg, translate
from kedang_platform.money import to_amount
from kedang_tenants.catalogue import ChoiceKind
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.reading.layout import Layout

_LONGEST_SUMMARY: Final = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """The values of a record as the viewer may read them: what is masked is None."""

    row: asyncpg.Record
    layout: Layout
    language: Language

    def value(self, name: str) -> Any:
        return self.row[self.layout.fields[name]]

    def of(self, relation: str) -> Shown | None:
        """A related record; None where there is none, or none for this viewer."""
        below = self.layout.one[relation]
        return None if self.row[below.id] is None else Shown(self.row, below, self.language)

    def text(self, name: str) -> str | None:
        """A text of the company in the language of the asker."""
        stored = self.value(name)
        return None if stored is None else text_in(orjson.loads(stored), self.language)

    def label(self, name: str) -> str:
        """What people call the option that a choice holds."""
        kind = self.layout.record.fields[name].kind
        assert isinstance(kind, ChoiceKind)
        code = self.value(name)
        return next(
            (translate(o.label, self.language) for o in kind.options if o.code == code), str(code or "")
        )

    def money(self, name: str) -> str | None:
        """An amount with its currency; a thin order of words that both languages take."""
        minor, currency = self.value(name), self.value("currency")
        if minor is None or not currency:
            return None
        return f"{to_amount(minor=minor, currency=currency):,f} {currency}"

    def name_of(self, relation: str, field: str = "name") -> str | None:
        found = self.of(relation)
        return None if found is None else found.value(field)

    def say(self, msgid: str, **params: object) -> str:
        return translate(msgid, self.language, params)


@dataclass(frozen=True, slots=True)
class Told:
    title: str
    summary: str | None = None


Tell = Callable[[Shown], Told]


def shortened(text: str | None) -> str | None:
    """At most 500 characters of a text; the whole stands in the record."""
    if text is None or len(text) <= _LONGEST_SUMMARY:
        return text
    return text[: _LONGEST_SUMMARY - 1].rstrip() + "…"


def order(shown: Shown) -> Told:
    number, amount = shown.value("number"), shown.money("total")
    if shown.value("state") == "CANCELLED":
        title = shown.say(msg("Order {number}, cancelled"), number=number)
    elif amount is None:
        title = shown.say(msg("Order {number}"), number=number)
    else:
        title = shown.say(msg("Order {number} for {amount}"), number=number, amount=amount)
    return Told(title, shown.value("note"))


def contract_signed(shown: Shown) -> Told:
    return _contract(shown, msg("Contract {number} signed: {title}"), shown.value("note"))


def contract_terminated(shown: Shown) -> Told:
    return _contract(shown, msg("Contract {number} terminated: {title}"), shown.value("termination_reason"))


def _contract(shown: Shown, msgid: str, summary: str | None) -> Told:
    return Told(shown.say(msgid, number=shown.value("number"), title=shown.value("title") or ""), summary)


def meeting(shown: Shown) -> Told:
    title = shown.say(msg("Meeting: {subject}"), subject=shown.value("subject"))
    return Told(title, shown.value("decisions") or shown.value("minutes"))


def shipment(shown: Shown) -> Told:
    return _delivery(shown, msg("Delivery {number} of order {order} shipped"), shown.value("carrier"))


def delivery(shown: Shown) -> Told:
    return _delivery(shown, msg("Delivery {number} of order {order} received"), shown.value("note"))


def _delivery(shown: Shown, msgid: str, summary: str | None) -> Told:
    number, order = shown.value("number"), shown.name_of("order", "number")
    return Told(shown.say(msgid, number=number or "", order=order or ""), summary)


def follow_up(shown: Shown) -> Told:
    way, contact, minutes = shown.label("way"), shown.name_of("contact"), shown.value("duration_minutes")
    said: Mapping[str, object] = {"way": way, "contact": contact, "minutes": minutes}
    if not shown.value("reached"):
        msgid = msg("{way}: nobody was reached")
    elif contact and minutes:
        msgid = msg("{way} with {contact}, {minutes} minutes")
    elif contact:
        msgid = msg("{way} with {contact}")
    elif minutes:
        msgid = msg("{way}, {minutes} minutes")
    else:
        return Told(way, shown.value("content") or shown.value("result"))
    return Told(shown.say(msgid, **said), shown.value("content") or shown.value("result"))


def grade(shown: Shown) -> Told:
    level, scheme = shown.of("level"), shown.name_of("scheme")
    name = level.text("name") if level else ""
    return Told(
        shown.say(msg("Graded {grade} by “{scheme}”"), grade=name, scheme=scheme or ""),
        shown.text("explanation"),
    )


def request_opened(shown: Shown) -> Told:
    return _request(shown, msg("Service request {number} opened: {title}"), shown.value("description"))


def request_solved(shown: Shown) -> Told:
    return _request(shown, msg("Service request {number} solved: {title}"), shown.value("result"))


def request_closed(shown: Shown) -> Told:
    return _request(shown, msg("Service request {number} closed: {title}"), shown.value("result"))


def _request(shown: Shown, msgid: str, summary: str | None) -> Told:
    return Told(shown.say(msgid, number=shown.value("number"), title=shown.value("title")), summary)


def note_to_customer(shown: Shown) -> Told:
    return _note(shown, msg("Written to the customer about service request {number}"))


def note_from_customer(shown: Shown) -> Told:
    return _note(shown, msg("Heard from the customer about service request {number}"))


def _note(shown: Shown, msgid: str) -> Told:
    return Told(shown.say(msgid, number=shown.name_of("request", "number") or ""), shown.value("text"))


def repair(shown: Shown) -> Told:
    product, serial = shown.name_of("product"), shown.value("serial_number")
    if product and serial:
        title = shown.say(msg("Repair of {product}, serial number {serial}"), product=product, serial=serial)
    elif product:
        title = shown.say(msg("Repair of {product}"), product=product)
    else:
        title = shown.say(msg("Repair"))
    return Told(title, shown.value("work_done") or shown.value("fault"))


def survey_sent(shown: Shown) -> Told:
    survey, contact = _questionnaire(shown), shown.name_of("contact")
    if contact:
        return Told(shown.say(msg("Survey “{survey}” sent to {contact}"), survey=survey, contact=contact))
    return Told(shown.say(msg("Survey “{survey}” sent"), survey=survey))


def survey_answered(shown: Shown) -> Told:
    survey, satisfaction, nps = _questionnaire(shown), shown.value("satisfaction"), shown.value("nps")
    if satisfaction is None:
        title = shown.say(msg("Survey “{survey}” answered"), survey=survey)
    else:
        figure = decimal_text(round(satisfaction, 2))
        title = shown.say(
            msg("Survey “{survey}” answered: satisfaction {satisfaction} of 5"),
            survey=survey,
            satisfaction=figure,
        )
    return Told(title, None if nps is None else shown.say(msg("Would recommend us: {nps} of 10"), nps=nps))


def _questionnaire(shown: Shown) -> str:
    found = shown.of("questionnaire")
    return (found and found.text("name")) or ""


def file(shown: Shown) -> Told:
    return Told(shown.say(msg("File {name}"), name=shown.value("name")))


def archive_opened(shown: Shown) -> Told:
    return Told(shown.say(msg("Archive opened")))


def owner_changed(old: str | None, new: str | None, language: Language) -> Told:
    """A customer handed from one member to another, or given up."""
    if old and new:
        return Told(translate(msg("Handed from {old} to {new}"), language, {"old": old, "new": new}))
    if new:
        return Told(translate(msg("Handed to {new}"), language, {"new": new}))
    return Told(translate(msg("Without an owner"), language))

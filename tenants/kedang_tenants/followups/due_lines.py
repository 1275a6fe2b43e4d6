"""How one thing that is due reads: in the digest of a member, and where a superior hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import asyncpg
import orjson

from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.languages import in_our_languages, text_in
from kedang_tenants.people.dues import due_source_called
from kedang_tenants.people.everybody import Person

_LONGEST_WHY: Final = 200

_WITH_CUSTOMER = msg("{customer}: {reason}")
_TODAY = msg("{what}, due today")
_LATE = msg("{what}, due on {due}, days overdue: {days}")
_AHEAD = msg("{what}, due on {due}, in days: {days}")
_UNSEEN = msg("A customer out of your reach")
_OF_MEMBER = msg("{member} – {line}")


def item_of(row: asyncpg.Record, day: date, reader: Person) -> dict[str, Any]:
    """What a notice keeps of a due row for programs, and to make lines of it: JSON, masked as the reader's rights are.

    The row has the columns of ``followups.ranking`` and the customer's ``name``, ``number``, ``level``, ``owner_id``,
    and ``lent``.
    """
    named = reader.covers(reader.sees("customer"), row["owner_id"], lent=row["lent"])
    read = reader.covers(reader.reads("customer"), row["owner_id"], lent=row["lent"])
    of_customer = row["customer_id"] is not None
    return {
        "source": row["source"],
        "record": f"{catalogue().record(row['record']).prefix}_{row['record_id'].hex}",
        "reason": _reason(row),
        "why": _why(row),
        "ofCustomer": of_customer,
        "customer": row["name"] if of_customer and named else None,
        "number": row["number"] if of_customer and read else None,
        "level": row["level"] if of_customer and named else None,
        "dueOn": row["due_on"].isoformat(),
        "daysOverdue": (day - row["due_on"]).days,
    }


def line_of(item: Mapping[str, Any], language: Language) -> str:
    """One line: whose, what, since when or until when, and why."""
    what = text_in(item["reason"], language)
    if item["ofCustomer"]:
        name = item["customer"] or translate(_UNSEEN, language)
        level = f" ({item['level']})" if item["level"] else ""
        what = translate(_WITH_CUSTOMER, language, {"customer": name + level, "reason": what})
    else:
        what = what[:1].upper() + what[1:]
    late = int(item["daysOverdue"])
    pattern = _LATE if late > 0 else _AHEAD if late < 0 else _TODAY
    text = translate(pattern, language, {"what": what, "due": item["dueOn"], "days": abs(late)})
    why = text_in(item["why"], language) if item["why"] else ""
    if item.get("member"):
        text = translate(_OF_MEMBER, language, {"member": item["member"], "line": text})
    return f"{text} – {why}" if why else text


def reason_in(row: asyncpg.Record, language: Language) -> str:
    """What is to be done with a due row, in a language; an unknown source says its name."""
    subject = subject_in(row, language)
    source = due_source_called(row["source"])
    return translate(source.reason if source else row["source"], language, {"subject": subject})


def subject_in(row: asyncpg.Record, language: Language) -> str:
    """What a due row is about, in a language and on one line; empty where it does not say."""
    subject = _text(row["subject"])
    return _said(subject, language) if subject else ""


def why_in(row: asyncpg.Record, language: Language) -> str | None:
    """Why a row is due, in a language and on one line."""
    why = _text(row["why"])
    return _said(why, language) if why else None


def _reason(row: asyncpg.Record) -> dict[str, str]:
    return in_our_languages(lambda language: reason_in(row, language))


def _why(row: asyncpg.Record) -> dict[str, str] | None:
    return in_our_languages(lambda language: why_in(row, language) or "") if row["why"] else None


def _text(stored: str | None) -> Any:
    return orjson.loads(stored) if stored else None


def _said(text: str | Mapping[str, str], language: Language) -> str:
    """On one line and not too long, whatever was typed."""
    said = text_in(text, language) if isinstance(text, Mapping) else text
    said = " ".join(said.split())
    return said if len(said) <= _LONGEST_WHY else said[: _LONGEST_WHY - 1] + "…"

"""The text of an iCalendar (RFC 5545): what stands in a calendar, folded, escaped, the same for the same entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from unicodedata import category

LONGEST_LINE: Final = 75
"""Octets of a line without its end (RFC 5545, 3.1)."""
_PRODUCT: Final = "-//Kedang//Kedang//EN"
_ENDS: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
Status = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: of whole days where ``begins`` is a date, else between two instants. ``ends`` lies after it.

    ``uid`` is the same for as long as the thing is the same, ``sequence`` rises with every change of it.
    """

    uid: str
    begins: date | datetime
    ends: date | datetime
    summary: str
    changed_at: datetime
    sequence: int
    description: str = ""
    location: str = ""
    category: str = ""
    status: Status = "CONFIRMED"
    busy: bool = True


def calendar_text(entries: Iterable[Entry], *, name: str, refresh: timedelta) -> str:
    """A whole calendar. Instants stand in UTC, so that no definition of a time zone is needed (3.3.5, form 2)."""
    every = f"PT{int(refresh.total_seconds() // 60)}M"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{_escaped(name)}",
        f"X-WR-CALNAME:{_escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{every}",
        f"X-PUBLISHED-TTL:{every}",
    ]
    for entry in entries:
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _event(entry: Entry) -> Sequence[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"DTSTAMP:{_instant(entry.changed_at)}",
        f"LAST-MODIFIED:{_instant(entry.changed_at)}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTART{_moment(entry.begins)}",
        f"DTEND{_moment(entry.ends)}",
        f"SUMMARY:{_escaped(entry.summary)}",
        *_said("DESCRIPTION", entry.description),
        *_said("LOCATION", entry.location),
        *_said("CATEGORIES", entry.category),
        f"STATUS:{entry.status}",
        f"TRANSP:{'OPAQUE' if entry.busy else 'TRANSPARENT'}",
        "END:VEVENT",
    ]


def _said(name: str, text: str) -> Iterator[str]:
    if text:
        yield f"{name}:{_escaped(text)}"


def _moment(moment: date | datetime) -> str:
    if isinstance(moment, datetime):
        return f":{_instant(moment)}"
    return f";VALUE=DATE:{moment:%Y%m%d}"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """A text value (3.3.11); signs that no line may hold are left out, whatever a program may end a line at is one end."""
    plain = _ENDS.sub("\n", text)
    kept = "".join(sign for sign in plain if sign in "\n\t" or category(sign) != "Cc")
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """The lines that a long one becomes, none over 75 octets, no character cut in two; each begins with a space."""
    part: list[str] = []
    used = 0
    for sign in line:
        size = len(sign.encode())
        if used + size > LONGEST_LINE:
            yield "".join(part)
            part, used = [" "], 1
        part.append(sign)
        used += size
    yield "".join(part)

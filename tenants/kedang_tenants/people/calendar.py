"""The company's own working calendar: its weekend, and the days on which it differs from its country (T6)."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    DayKind,
    Option,
    Record,
    TextKind,
    TimeOfDayKind,
    field,
)

WEEKDAYS = (
    Option("MONDAY", msg("Monday")),
    Option("TUESDAY", msg("Tuesday")),
    Option("WEDNESDAY", msg("Wednesday")),
    Option("THURSDAY", msg("Thursday")),
    Option("FRIDAY", msg("Friday")),
    Option("SATURDAY", msg("Saturday")),
    Option("SUNDAY", msg("Sunday")),
)
HOLIDAY, WORKING_DAY = "HOLIDAY", "WORKING_DAY"


class WorkingWeek(Record):
    """Which days of the week the company rests, and when it works on the others; made when the company opens."""

    __tablename__ = "working_week"
    __prefix__ = "wwk"
    __labels__ = (msg("Working week"), msg("Working weeks"))
    __actions__ = frozenset({"update"})

    weekend: Mapped[list[str]] = field(
        ChoicesKind(WEEKDAYS), label=msg("Days of rest"), required=True, default=list
    )
    opens_at: Mapped[str] = field(
        TimeOfDayKind(),
        label=msg("Opens at"),
        required=True,
        default="09:00",
        description="In the company's time zone",
    )
    closes_at: Mapped[str] = field(
        TimeOfDayKind(),
        label=msg("Closes at"),
        required=True,
        default="18:00",
        description="In the company's time zone; 24:00 is midnight",
    )


class CalendarDay(Record):
    """A day on which the company differs from the public calendar of its country."""

    __tablename__ = "calendar_day"
    __prefix__ = "cda"
    __labels__ = (msg("Day of the calendar"), msg("Days of the calendar"))
    __key__ = ("day",)
    __order__ = ("day",)

    day: Mapped[date] = field(DayKind(), label=msg("Day"), required=True, unique=True)
    kind: Mapped[str] = field(
        ChoiceKind((Option(HOLIDAY, msg("Holiday")), Option(WORKING_DAY, msg("Working day")))),
        label=msg("Kind"),
        required=True,
    )
    name: Mapped[str | None] = field(TextKind(100), label=msg("Name"))

"""The registry of what can be due: every feature says here what waits for whom until which day (F1, F4, T10).

A source is one SELECT. The digest of the morning ranks over all sources in one statement, and what stays
undone is told upward; neither knows the features. The registry lies this low so that every feature may register.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COLUMNS: Final = ("member_id", "record_id", "customer_id", "due_on", "subject", "why", "weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSource:
    """What is due of one sort. ``name`` is stable, at most 40 characters: ``contract.ends``.

    ``record`` is the kind of record that ``record_id`` names; whoever may not read any of it is told of none.
    ``reason`` is a msgid that says in a few words what is to be done; ``{subject}`` in it is the row's. ``rule`` is one that
    says which rule of the company asks for it; a plan's own words go before it.

    ``select`` is a SELECT of exactly ``COLUMNS``, with these types and in this order: ``member_id`` uuid (who
    is to do it; a row without one is nobody's and left out), ``record_id`` uuid, ``customer_id`` uuid or
    NULL::uuid where it belongs to no archive, ``due_on`` date, ``subject`` jsonb and ``why`` jsonb (each a text,
    by ``to_jsonb(x::text)``, or a text in our languages as records keep it, or NULL::jsonb), ``weight`` integer
    from 1 to 100 (10 is a follow-up, 30 what a customer waits for). $1 is the day (date), $2 the instant
    (timestamptz), $3 the company's time zone (text); nothing else is bound. It gives what is open on the day:
    what is due or overdue, and what is due later only from the day on from which it is to be told. A pair of
    member and record comes once. Members, archived customers and closed archives need not be looked at: rows of
    members who are suspended, of customers who are archived or closed to the member are left out of all sources.

    What ``escalates`` is told to superiors when it stays overdue (``followups.escalating``).
    """

    name: str
    record: str
    reason: str
    rule: str
    select: str
    escalates: bool = True


def of_owner_else_customers(select: str, *, owner: str) -> str:
    """The SELECT of a source whose rows are for their own owner, and for the customer's where they have none.

    ``select`` ends in a condition, has ``{member}`` where the member stands, and LEFT JOINs the customer as ``c``;
    ``owner`` is the column of the row's own owner. There is one arm for each, as no index serves a COALESCE of both.
    """
    own = f"{select.format(member=owner)} AND {owner} IS NOT NULL"
    customers = f"{select.format(member='c.owner_id')} AND {owner} IS NULL"
    return f"{own}\nUNION ALL\n{customers}"


_sources: dict[str, DueSource] = {}


def due_source(source: DueSource) -> DueSource:
    """Register a source; a module that does so is imported by ``kedang_tenants.records``. Raises ValueError."""
    if source.name in _sources:
        raise ValueError(f"two sources are called {source.name}")
    _sources[source.name] = source
    return source


def due_sources() -> tuple[DueSource, ...]:
    """All sources, by name."""
    return tuple(_sources[name] for name in sorted(_sources))


def due_source_called(name: str) -> DueSource | None:
    """The source of that name; None for one that an earlier release had."""
    return _sources.get(name)

"""What statements took, noted for whoever measures the work under way; nothing is noted for nobody."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from typing import NamedTuple


class Noted(NamedTuple):
    """A statement that has ended, well or not; ``seconds`` until its rows were here. The text may be empty."""

    sql: str
    args: tuple[object, ...]
    seconds: float
    rows: int


class Ledger:
    """The statements of one piece of work and of the tasks that it starts, and the codes of its refusals.

    Once it is closed, what tasks that outlive the work do is not its own.
    """

    __slots__ = ("is_open", "refusals", "statements")

    def __init__(self) -> None:
        self.is_open = True
        self.statements: list[Noted] = []
        self.refusals: list[str] = []


_current: ContextVar[Ledger | None] = ContextVar("kedang_ledger", default=None)


def open_ledger() -> Ledger:
    """A ledger for everything that this task, and whatever it starts from now on, asks of the databases."""
    ledger = Ledger()
    _current.set(ledger)
    return ledger


def note_refusal(code: str) -> None:
    """Note that something was refused to the work under way."""
    ledger = _current.get()
    if ledger is not None and ledger.is_open:
        ledger.refusals.append(code)


def note(sql: str, args: tuple[object, ...], began: float, rows: int) -> None:
    """Note a statement that was sent at ``began`` (``perf_counter``) and is done now."""
    ledger = _current.get()
    if ledger is not None and ledger.is_open:
        ledger.statements.append(Noted(sql, args, perf_counter() - began, rows))

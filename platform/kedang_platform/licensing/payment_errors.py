"""What speaks against a payment. Each is told to the operator, and nothing is written then."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from kedang_platform.errors import BadUserInput, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.money import to_amount


class _Step(Protocol):
    @property
    def operator(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class UnknownReference(NotFound):
    """No invoice and no order has this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(msg("No order has the reference {reference}."), reference=reference)


class MisreadReference(BadUserInput):
    """The check character does not fit: the reference was misread or mistyped."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            msg("{reference} is not a reference of ours: a character was misread or mistyped."),
            reference=reference,
        )


class AlreadyConfirmed(KedangError):
    """The transfer was confirmed before; what it paid stands and nothing was added."""

    def __init__(self, reference: str | None, step: _Step) -> None:
        super().__init__(
            msg("The transfer {reference} was confirmed already on {day} by {operator}."),
            reference=reference,
            day=step.at.date().isoformat(),
            operator=step.operator,
        )


class NothingOpen(KedangError):
    """Nothing is owed of the invoice: it was credited, or paid by credit. Money that arrived is said with its amount."""

    def __init__(self, number: str) -> None:
        super().__init__(
            msg("Nothing is owed of invoice {number}. If money arrived, say how much."), number=number
        )


class AmountWrong(BadUserInput):
    """An amount of nothing, less, or more than anybody transfers."""

    def __init__(self) -> None:
        super().__init__(msg("This is no amount that can have arrived."), path=("amount",))


class ValueDateWrong(BadUserInput):
    """A value date that has not come yet."""

    def __init__(self) -> None:
        super().__init__(msg("The value date has not come yet."), path=("valueDate",))


class SameOperator(KedangError):
    """Whoever proposed a payment cannot be the one who confirms it."""

    def __init__(self, operator: str) -> None:
        super().__init__(
            msg("{operator} has confirmed this transfer already; it counts when another operator does, too."),
            operator=operator,
        )


class PaymentDiffers(KedangError):
    """The second operator says another amount or day than the first."""

    def __init__(self, amount: int, currency: str, day: date, operator: str) -> None:
        super().__init__(
            msg("{operator} noted {amount} {currency} of {day}: one of the two is wrong."),
            amount=str(to_amount(minor=amount, currency=currency)),
            currency=currency,
            day=day.isoformat(),
            operator=operator,
        )


class UnknownPayment(NotFound):
    """There is no such payment."""

    def __init__(self) -> None:
        super().__init__(msg("There is no such payment."))


class PaymentReversed(KedangError):
    """The payment was undone before."""

    def __init__(self, at: datetime, operator: str) -> None:
        super().__init__(
            msg("The payment was undone already on {day} by {operator}."),
            day=at.date().isoformat(),
            operator=operator,
        )

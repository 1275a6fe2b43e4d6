"""Why a customer is watched, in the words of both languages and as a record keeps it (A18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from kedang_platform.i18n import Language, msg, translate
from kedang_platform.money import minor_digits
from kedang_tenants.catalogue.kinds import decimal_text
from kedang_tenants.catalogue.languages import in_our_languages, translated
from kedang_tenants.grading.criteria_models import CREDIT_RATINGS
from kedang_tenants.watching.models import INSOLVENCIES
from kedang_tenants.watching.rule import Thresholds

SALES_FALL, ARREARS, CREDIT_DROP = "SALES_FALL", "ARREARS", "CREDIT_DROP"
INSOLVENCY, GRADE_FALL, DISSATISFIED, SILENCE = "INSOLVENCY", "GRADE_FALL", "DISSATISFIED", "SILENCE"
TOP_SALES, SALES_RISE, SATISFIED = "TOP_SALES", "SALES_RISE", "SATISFIED"
REASONS: Final[Mapping[str, str]] = {
    INSOLVENCY: msg("Insolvency ahead"),
    ARREARS: msg("Arrears"),
    CREDIT_DROP: msg("Credit drop"),
    GRADE_FALL: msg("Grade fell"),
    SALES_FALL: msg("Sales fall"),
    DISSATISFIED: msg("Not satisfied"),
    SILENCE: msg("Silence"),
    TOP_SALES: msg("Among the largest"),
    SALES_RISE: msg("Sales rise"),
    SATISFIED: msg("Very satisfied"),
}
"""All reasons, the gravest first, with what people call them."""

_SAID: Final[Mapping[str, str]] = {
    INSOLVENCY: msg("Insolvency: {insolvency}."),
    ARREARS: msg("Arrears: {currency} {amount}, the oldest for {value} days."),
    CREDIT_DROP: msg("Credit rating dropped from {threshold} to {value}."),
    GRADE_FALL: msg("The grade fell from {threshold} to {value}."),
    SALES_FALL: msg("Sales of {months} months fell by {value} %."),
    DISSATISFIED: msg("Satisfaction is {value} out of 5."),
    SILENCE: msg("Neither a purchase nor a contact for {value} days."),
    TOP_SALES: msg("Among the {threshold} largest: {currency} {money} in twelve months."),
    SALES_RISE: msg("Sales of {months} months rose by {value} %."),
    SATISFIED: msg("Satisfaction is {value} out of 5."),
}
WITHHELD: Final = frozenset({INSOLVENCY, CREDIT_DROP, ARREARS})
"""Reasons that tell of credit, as measures of arrears do: for those who may read that of the customer."""
# More people read plans than may know what the customers called by their names have answered.
_NOT_IN_PLANS: Final = WITHHELD | {DISSATISFIED}
_FURTHER: Final = msg("See the watch list.")
_ALL_WITHHELD: Final = msg("The reasons are not for everybody.")
# How bad what somebody noted is; all other figures move by themselves.
_GRAVITY: Final[Mapping[str, Mapping[str, int]]] = {
    name: {option.code: place for place, option in enumerate(options)}
    for name, options in ((INSOLVENCY, INSOLVENCIES), (CREDIT_DROP, CREDIT_RATINGS))
}
_NOTED: Final = frozenset({*_GRAVITY, GRADE_FALL})
_NO_RATING: Final = "–"


@dataclass(frozen=True, slots=True)
class Reason:
    """What was measured and the threshold that it reached; ``amount`` of arrears, in minor units; ``rank`` of a level."""

    value: object
    threshold: object
    amount: object = None
    rank: object = None

    def as_document(self) -> dict[str, Any]:
        told = {
            "value": _plain(self.value),
            "threshold": _plain(self.threshold),
            "amount": _plain(self.amount),
            "rank": self.rank,
        }
        return {name: value for name, value in told.items() if value is not None}


def _plain(value: object) -> object:
    return decimal_text(value) if isinstance(value, Decimal) else value


def document(reasons: Mapping[str, Reason]) -> dict[str, Any]:
    """Reasons as ``WatchEntry.reasons`` keeps them."""
    return {name: reason.as_document() for name, reason in reasons.items()}


def restated(found: Mapping[str, Reason], standing: Mapping[str, Any]) -> bool:
    """Whether somebody has noted anything else since the reasons ``standing`` in the record."""
    return any(
        reason.value != standing[name].get("value")
        for name, reason in found.items()
        if name in _NOTED and name in standing
    )


def graver(found: Mapping[str, Reason], standing: Mapping[str, Any]) -> bool:
    """Whether there is a reason that did not stand in the record, or something worse has been noted since."""
    return any(
        name not in standing or _gravity(name, reason.as_document()) > _gravity(name, standing[name])
        for name, reason in found.items()
    )


def _gravity(name: str, kept: Mapping[str, Any]) -> int:
    if name == GRADE_FALL:
        return int(kept["rank"])
    return _GRAVITY.get(name, {}).get(str(kept.get("value")), 0)


def why(reasons: Mapping[str, Reason], thresholds: Thresholds, *, currency: str) -> dict[str, str]:
    """Reasons in the words of each of our languages, the gravest first."""

    def text(language: Language) -> str:
        return " ".join(
            _said(name, reasons[name], thresholds, currency, language) for name in REASONS if name in reasons
        )

    return in_our_languages(text)


def told(found: Mapping[str, Reason], thresholds: Thresholds, *, currency: str) -> dict[str, Any]:
    """Reasons as an entry of the list keeps them: those for everybody who reads it, and those that are withheld."""
    withheld = {name: reason for name, reason in found.items() if name in WITHHELD}
    open_ones = {name: reason for name, reason in found.items() if name not in WITHHELD}
    return {
        "reasons": document(open_ones),
        "why": why(open_ones, thresholds, currency=currency) if open_ones else translated(_ALL_WITHHELD),
        "withheld": document(withheld) or None,
        "why_withheld": why(withheld, thresholds, currency=currency) if withheld else None,
        "points": len(found),
    }


def whole(why_withheld: str | None, why_openly: str, *, only_withheld: bool) -> str:
    """Both texts of an entry in one language as one, for who may read both."""
    if why_withheld is None:
        return why_openly
    return why_withheld if only_withheld else f"{why_withheld} {why_openly}"


def why_in_plans(
    kept: Mapping[str, Any], points: int, thresholds: Thresholds, *, currency: str
) -> dict[str, str]:
    """The reasons ``kept`` openly by an entry of so many ``points`` as a plan says them, which still more people read.

    Where there are others, it points to the watch list.
    """
    open_ones = {
        name: Reason(*(reason.get(part) for part in ("value", "threshold", "amount")))
        for name, reason in kept.items()
        if name not in _NOT_IN_PLANS
    }
    texts = why(open_ones, thresholds, currency=currency)
    if len(open_ones) == points:
        return texts
    return {language: f"{texts[language]} {text}".strip() for language, text in translated(_FURTHER).items()}


def _said(name: str, reason: Reason, thresholds: Thresholds, currency: str, language: Language) -> str:
    labels = {option.code: option.label for option in INSOLVENCIES}
    told = labels.get(str(reason.value))
    params = {
        "value": _NO_RATING if reason.value is None else _plain(reason.value),
        "threshold": _plain(reason.threshold),
        "months": thresholds.months,
        "currency": currency,
        "amount": _money(reason.amount, currency),
        "money": _money(reason.value, currency),
        "insolvency": translate(told, language) if told else "",
    }
    return translate(_SAID[name], language, params)


def _money(amount: object, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{Decimal(amount).scaleb(-digits):,.{digits}f}" if isinstance(amount, int) else ""

"""The kind of value that only surveys have: what a choice offers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import DocumentKind, InvalidValue, LocalisedKind

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_MOST = 50


@dataclass(frozen=True, slots=True)
class OffersKind(DocumentKind):
    """What a choice offers: at most 50 of ``{"code": "PRICE", "label": {"en": …, "zh": …}}``, each code once."""

    operators: ClassVar[tuple[str, ...]] = ()

    def check(self, value: object) -> object:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidValue("INVALID_LIST", msg("This must be a list."))
        if len(value) > _MOST:
            raise InvalidValue("TOO_MANY", msg("At most {limit} entries are allowed here."), limit=_MOST)
        offers = [_offer(entry) for entry in value]
        if len({offer["code"] for offer in offers}) < len(offers):
            raise InvalidValue("INVALID_OPTIONS", msg("Every option has a code of its own."))
        return offers or None


def _offer(entry: object) -> dict[str, object]:
    code = entry.get("code") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(code, str) or not _CODE.fullmatch(code):
        raise InvalidValue(
            "INVALID_OPTIONS", msg("An option has a code of capital letters, digits and “_”, and a label.")
        )
    return {"code": code, "label": LocalisedKind(200).check(entry.get("label"))}

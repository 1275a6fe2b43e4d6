"""QR codes of addresses, to be printed or shown (ISO/IEC 18004)."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Final

import segno

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({"svg": "image/svg+xml", "png": "image/png"})
_QUIET_ZONE: Final = 4  # modules, as the standard asks for
_DOTS: Final = 10


def qr_code(address: str, kind: str) -> bytes:
    """The code as ``svg`` or ``png`` (10 dots a module); it is read with up to 15 % of it spoilt (level M)."""
    made = BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(made, kind=kind, scale=_DOTS, border=_QUIET_ZONE)
    return made.getvalue()

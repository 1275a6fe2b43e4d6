"""What a company's own fields are called in its overlay: by the key alone, which never changes.

A name does not depend on which other fields there are, so adding one renames nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kedang_tenants.catalogue import RecordType
from kedang_tenants.catalogue.record_types import pascal

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_LITERALS = frozenset({"true", "false", "null"})


def is_lawful_key(key: str) -> bool:
    """Whether a key can stand as a field's name in GraphQL; it is told there as it is."""
    return _KEY.fullmatch(key) is not None


def are_lawful_values(options: Iterable[str]) -> bool:
    """Whether all options of a choice can be the values of an enum (GraphQL October 2021, 3.9 and 2.9.6)."""
    return all(
        _NAME.fullmatch(option) and not option.startswith("__") and option not in _LITERALS
        for option in options
    )


def own_type(record: RecordType) -> str:
    """The type of a record's own fields: ``CustomerCustom``."""
    return f"{record.api_name}Custom"


def choice_type(record: RecordType, key: str) -> str:
    """The enum of a choice: ``CustomerCustomSalesRegionChoice``; never the same for two keys.

    Where the words of a key could not be told from its name any more, the key stands in it as it is.
    """
    told_apart = all(word[:1].isalpha() for word in key.split("_"))
    return f"{own_type(record)}{pascal(key) if told_apart else f'_{key}_'}Choice"


def constant(key: str) -> str:
    """A field among the values of an enum: ``SALES_REGION``."""
    return key.upper()

"""The kinds of rules that there are; the feature that obeys a rule registers it beside its models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput, UserError
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer

Check: TypeAlias = Callable[[TenantRead, Viewer, Mapping[str, Any]], Awaitable[Sequence[UserError]]]


class UnknownRuleKind(BadUserInput):
    """There is no rule of this name."""


@dataclass(frozen=True, slots=True)
class RuleKind:
    """``check`` tells what is wrong with a content for whoever wants it so, with paths inside of the content.

    It is asked when the rule is drafted or changed, when it is submitted, and, as the product itself, when it is
    approved. ``label`` is a msgid.
    """

    code: str
    label: str
    check: Check


_kinds: dict[str, RuleKind] = {}


def register_rule_kind(code: str, *, check: Check, label: str) -> RuleKind:
    """Make a kind of rule known (at import); raises ``ValueError`` for one that is known already."""
    if code in _kinds:
        raise ValueError(f"There are rules of the kind {code} already")
    _kinds[code] = RuleKind(code, label, check)
    return _kinds[code]


def rule_kind(code: str, *, path: tuple[str | int, ...] = ("input", "kind")) -> RuleKind:
    """The kind of this name; raises UnknownRuleKind."""
    try:
        return _kinds[code]
    except KeyError:
        message = msg("There are no rules of the kind “{kind}”.")
        raise UnknownRuleKind(message, path=path, kind=code[:50]) from None


def rule_kinds() -> list[RuleKind]:
    """All kinds, by their code."""
    return [_kinds[code] for code in sorted(_kinds)]

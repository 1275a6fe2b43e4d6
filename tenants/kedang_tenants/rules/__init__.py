"""Rules that have a life (办法): drafted, approved, in force from a day, changed by a new version, repealed (T8)."""

from kedang_tenants.rules.differences import Difference, differences
from kedang_tenants.rules.drafting import (
    ContentTooLarge,
    DraftExists,
    RuleSettled,
    change_rule_draft,
    discard_rule_draft,
    draft_rule,
)
from kedang_tenants.rules.kinds import RuleKind, UnknownRuleKind, register_rule_kind, rule_kind, rule_kinds
from kedang_tenants.rules.life import PUT_IN_FORCE, establish, put_in_force
from kedang_tenants.rules.standing import RuleVersion, in_force, in_force_on, rule_version, stamp

__all__ = [
    "PUT_IN_FORCE",
    "ContentTooLarge",
    "Difference",
    "DraftExists",
    "RuleKind",
    "RuleSettled",
    "RuleVersion",
    "UnknownRuleKind",
    "change_rule_draft",
    "differences",
    "discard_rule_draft",
    "draft_rule",
    "establish",
    "in_force",
    "in_force_on",
    "put_in_force",
    "register_rule_kind",
    "rule_kind",
    "rule_kinds",
    "rule_version",
    "stamp",
]

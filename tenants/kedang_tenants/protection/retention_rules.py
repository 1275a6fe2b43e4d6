"""What a rule of the kind "retention" says: per kind of record for what it is kept, how long, and what happens then (T9).

``{"rules": [{"record": "contact", "action": "ANONYMISE", "months": 36, "purpose": {"en": "…", "zh": "…"}}]}``
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import register_rule_kind

KIND: Final = "retention"
ANONYMISE, DELETE = "ANONYMISE", "DELETE"
MONTHS: Final = (1, 1200)
_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Target:
    """What can be done to a kind of record when it is old: which rows are over, and since when.

    ``over`` and ``since`` are SQL over ``t``; ``customer`` says in SQL whose row it is, so that a legal hold keeps
    it; ``below`` names tables whose rows go with it, by the column that points to it.
    """

    action: str
    table: str
    over: str
    since: str
    customer: str = "NULL::uuid"
    below: tuple[tuple[str, str], ...] = ()
    files: bool = False


_ENDED: Final = "t.state IN ('DONE', 'FAILED', 'CANCELLED')"
_SINCE_END: Final = "coalesce(t.finished_at, t.updated_at)"
_INVITED: Final = "t.state NOT IN ('PENDING', 'SENT', 'OPENED')"

TARGETS: Final[Mapping[str, Target]] = {
    # Whoever is put away is a person still: what says who they are goes, what they did stays.
    "contact": Target(
        ANONYMISE,
        "contact",
        "t.archived_at IS NOT NULL AND t.erased_at IS NULL",
        "t.archived_at",
        "t.customer_id",
    ),
    "customer": Target(
        ANONYMISE,
        "customer",
        "t.archived_at IS NOT NULL AND t.erased_at IS NULL AND t.directory = 'INDIVIDUAL'",
        "t.archived_at",
        "t.id",
    ),
    # The address and the link go, that somebody was asked and answered stays.
    "survey_invitation": Target(
        ANONYMISE,
        "survey_invitation",
        f"{_INVITED} AND (t.recipient IS NOT NULL OR t.token_hash IS NOT NULL)",
        "t.expires_at",
        "t.customer_id",
    ),
    # Words go, levels and numbers stay.
    "survey_item_answer": Target(
        ANONYMISE,
        "survey_item_answer",
        "(t.text IS NOT NULL OR t.comment IS NOT NULL)",
        "t.created_at",
        "(SELECT a.customer_id FROM survey_answer a WHERE a.id = t.answer_id)",
    ),
    "contact_consent": Target(
        DELETE,
        "contact_consent",
        "t.archived_at IS NOT NULL",
        "t.archived_at",
        "(SELECT k.customer_id FROM contact k WHERE k.id = t.contact_id)",
    ),
    "notice": Target(DELETE, "notice", "TRUE", "t.created_at"),
    "webhook_delivery": Target(
        DELETE, "webhook_delivery", "t.state NOT IN ('WAITING', 'PENDING')", "t.created_at"
    ),
    "import": Target(
        DELETE, "import", _ENDED, _SINCE_END, below=(("import_remark", "import_id"),), files=True
    ),
    "export": Target(DELETE, "export", _ENDED, _SINCE_END, files=True),
    "bulk_operation": Target(
        DELETE, "bulk_operation", _ENDED, _SINCE_END, below=(("bulk_result", "operation_id"),), files=True
    ),
    "person_request": Target(DELETE, "person_request", _ENDED, _SINCE_END, files=True),
    "retention_run": Target(DELETE, "retention_run", "t.state IN ('DONE', 'FAILED')", _SINCE_END),
    "file": Target(
        ANONYMISE, "file", "t.archived_at IS NOT NULL AND t.content_id IS NOT NULL", "t.archived_at"
    ),
}
"""What may be named in a rule. Nothing here is a figure that grades or reports are made of."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """One line of the rule: what becomes of a kind of record so many months after it was over."""

    record: str
    action: str
    months: int

    @property
    def target(self) -> Target:
        return TARGETS[self.record]


def rules_in(content: Mapping[str, Any]) -> list[RetentionRule]:
    """The lines of a content that was checked."""
    return [RetentionRule(line["record"], line["action"], line["months"]) for line in content["rules"]]


TEMPLATE: Final[Mapping[str, Any]] = {
    "rules": [
        {
            "record": "contact",
            "action": ANONYMISE,
            "months": 36,
            "purpose": {"en": "Proof of who acted for a customer", "zh": "证明客户方的经办人"},
        },
        {
            "record": "customer",
            "action": ANONYMISE,
            "months": 36,
            "purpose": {"en": "Claims of individual customers", "zh": "个人客户的权利主张"},
        },
        {
            "record": "survey_invitation",
            "action": ANONYMISE,
            "months": 12,
            "purpose": {"en": "Asking for opinions", "zh": "征求意见"},
        },
        {
            "record": "survey_item_answer",
            "action": ANONYMISE,
            "months": 36,
            "purpose": {"en": "Improving what we do", "zh": "改进工作"},
        },
        {
            "record": "notice",
            "action": DELETE,
            "months": 12,
            "purpose": {"en": "Reminding members", "zh": "提醒员工"},
        },
        *(
            {
                "record": record,
                "action": DELETE,
                "months": 6,
                "purpose": {"en": "Carrying data in and out", "zh": "数据的导入与导出"},
            }
            for record in ("import", "export", "bulk_operation", "webhook_delivery")
        ),
        {
            "record": "file",
            "action": ANONYMISE,
            "months": 12,
            "purpose": {"en": "Undoing a deletion", "zh": "撤销误删"},
        },
    ]
}
"""What a company may begin with; it is in force only once the company says so."""


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    lines = content.get("rules")
    if not isinstance(lines, list) or set(content) != {"rules"}:
        return [UserError("INVALID_CONTENT", msg("A retention rule has a list called rules."), ("rules",))]
    seen: set[object] = set()
    errors: list[UserError] = []
    for place, line in enumerate(lines):
        errors += _wrong(line, ("rules", place), seen)
    return errors


def _wrong(line: object, path: tuple[str | int, ...], seen: set[object]) -> Iterator[UserError]:
    if not isinstance(line, Mapping) or not set(line) <= {"record", "action", "months", "purpose"}:
        yield UserError("INVALID_CONTENT", msg("Say record, action, months and purpose."), path)
        return
    record, months = line.get("record"), line.get("months")
    target = TARGETS.get(record) if isinstance(record, str) else None
    if target is None:
        yield UserError("UNKNOWN_VALUE", msg("Records of this kind have no retention."), (*path, "record"))
    elif line.get("action") != target.action:
        message = msg("With these records only {action} is possible.")
        yield UserError("UNKNOWN_VALUE", message, (*path, "action"), {"action": target.action})
    if record in seen if isinstance(record, str) else False:
        yield UserError("TWICE", msg("This kind of record is named twice."), (*path, "record"))
    seen.add(record if isinstance(record, str) else None)
    low, high = MONTHS
    if type(months) is not int or not low <= months <= high:
        message = msg("Between {low} and {high} months are possible.")
        yield UserError("OUT_OF_RANGE", message, (*path, "months"), {"low": low, "high": high})
    purpose = line.get("purpose")
    if not isinstance(purpose, Mapping) or not _is_text(purpose):
        yield UserError("REQUIRED", msg("Say for what these records are kept."), (*path, "purpose"))


def _is_text(purpose: Mapping[str, Any]) -> bool:
    texts = list(purpose.values())
    known = set(purpose) <= {"en", "zh"}
    return known and bool(texts) and all(isinstance(t, str) and 0 < len(t.strip()) <= _WORDS for t in texts)


register_rule_kind(KIND, check=check, label=msg("Retention"))

"""The sales processes of a company: the stages of a demand by the class of its customer (P2, T8).

A rule of the kind ``sales.process``; of the processes the first holds whose class the customer is in. The last one
has no class and is for everybody else::

    {"processes": [{"class": "KEY", "stages": [{"code": "TENDER", "name": {"en": "Tender", "zh": "招标"}}]},
                   {"stages": [{"code": "CONTACT", "name": {"en": "First contact", "zh": "初步接触"}}]}]}

A company without a rule has the stages of ``trade.stages`` for everybody. A demand keeps the stage that it has come to, with
its name, also where another rule or another class no longer knows it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import visible
from kedang_tenants.reading.statement import Statement
from kedang_tenants.rules import in_force, register_rule_kind
from kedang_tenants.trade.stages import Stage, default_stages, stage_called

KIND: Final = "sales.process"
MOST_PROCESSES: Final = 50
MOST_STAGES: Final = 20
_LONGEST_NAME: Final = 100
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_LANGUAGES: Final = frozenset({"en", "zh"})
_CLASSES: Final = """
SELECT x.customer_id, k.code FROM classified_customer x JOIN customer_class k ON k.id = x.class_id
WHERE x.customer_id = ANY($1::uuid[]) AND x.archived_at IS NULL
"""
_KNOWN: Final = "SELECT code FROM customer_class WHERE code = ANY($1::text[]) AND archived_at IS NULL"


@dataclass(frozen=True, slots=True)
class SalesProcess:
    """The stages of demands of a class of customers, of everybody else where ``class_code`` is None."""

    class_code: str | None
    stages: tuple[Stage, ...]


async def sales_processes(read: TenantRead) -> tuple[SalesProcess, ...]:
    """Those of the company that ``read`` stands in, in the order in which they are tried."""
    rule = await in_force(read, KIND)
    if rule is None:
        return (SalesProcess(None, default_stages()),)
    return tuple(
        SalesProcess(one.get("class"), tuple(Stage(stage["code"], stage["name"]) for stage in one["stages"]))
        for one in rule.content["processes"]
    )


def stages_for(processes: Sequence[SalesProcess], classes: Collection[str]) -> tuple[Stage, ...]:
    """The stages of a customer that is in these classes."""
    fitting = (one for one in processes if one.class_code is None or one.class_code in classes)
    return next(fitting).stages


async def stages_of(read: TenantRead, viewer: Viewer, *, customer_id: UUID) -> tuple[Stage, ...] | None:
    """The stages that demands of a customer go through; None where the customer is not there for the viewer."""
    s, kind = Statement(), catalogue().record("customer")
    where = f"t.id = {s.bind(customer_id)}::uuid"
    seen = visible(s, viewer, kind, "t") or "TRUE"
    if not await read.fetchval(f"SELECT TRUE FROM customer t WHERE {where} AND {seen}", *s.values):
        return None
    classes = await _classes_of(read, [customer_id])
    return stages_for(await sales_processes(read), classes.get(customer_id, set()))


async def _classes_of(read: TenantRead, customer_ids: Collection[UUID]) -> Mapping[UUID, set[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in await read.fetch(_CLASSES, sorted(customer_ids)):
        found[row["customer_id"]].add(row["code"])
    return found


@prepares("demand")
async def place_demands(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A demand begins at the first stage of its customer's process, and goes to others of that process alone."""
    moved = [draft for draft in drafts if draft.action == "create" or "stage" in draft.values]
    if not moved:
        return
    processes = await sales_processes(write)
    by_class = any(one.class_code is not None for one in processes)
    customers = {cast("UUID", draft.now("customer_id")) for draft in moved}
    classes = await _classes_of(write, customers) if by_class else {}
    for draft in moved:
        _place(draft, stages_for(processes, classes.get(cast("UUID", draft.now("customer_id")), set())))


def _place(draft: Draft, stages: Sequence[Stage]) -> None:
    told = cast("str | None", draft.now("stage"))
    if draft.old is not None and told in {None, draft.old["stage"]}:
        return  # emptied, which is refused as for any field, or said again as it is, by a file
    stage = stage_called(stages, told) if told else stages[0]
    if stage is None:
        draft.refuse("stage", "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), value=told)
        return
    draft.values |= {"stage": stage.code, "stage_name": dict(stage.name)}


async def check(read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    processes = content.get("processes")
    if (
        set(content) != {"processes"}
        or not isinstance(processes, list)
        or not 1 <= len(processes) <= MOST_PROCESSES
        or not all(isinstance(one, dict) for one in processes)
    ):
        message = msg("There are 1 to {most} sales processes, each with its stages.")
        return [UserError("INVALID_CONTENT", message, ("processes",), {"most": MOST_PROCESSES})]
    wrong = [error for place, one in enumerate(processes) for error in _wrong_process(place, one)]
    return wrong or [*_wrong_classes(processes), *await _unknown_classes(read, processes)]


def _wrong_process(place: int, process: Mapping[str, Any]) -> Iterator[UserError]:
    path = ("processes", place)
    stages = process.get("stages")
    if (
        not process.keys() <= {"class", "stages"}
        or not isinstance(process.get("class", ""), str)
        or not isinstance(stages, list)
        or not 1 <= len(stages) <= MOST_STAGES
    ):
        message = msg("A sales process has 1 to {most} stages, and the code of a class or none.")
        yield UserError("INVALID_CONTENT", message, path, {"most": MOST_STAGES})
        return
    wrong = [(*path, "stages", number) for number, one in enumerate(stages) if not _is_stage(one)]
    if wrong:
        message = msg(
            "A stage has a code of capital letters, digits and underscores, and a name in each language."
        )
        yield from (UserError("INVALID_CONTENT", message, one) for one in wrong)
        return
    codes = [one["code"] for one in stages]
    for number, code in enumerate(codes):
        if code in codes[:number]:
            repeated = msg("There are two stages of this code.")
            yield UserError("STAGE_REPEATED", repeated, (*path, "stages", number, "code"))


def _is_stage(told: object) -> bool:
    if not isinstance(told, dict) or set(told) != {"code", "name"} or not isinstance(told["code"], str):
        return False
    name = told["name"]
    return (
        _CODE.fullmatch(told["code"]) is not None
        and isinstance(name, dict)
        and set(name) == _LANGUAGES
        and all(isinstance(text, str) and 1 <= len(text.strip()) <= _LONGEST_NAME for text in name.values())
    )


def _wrong_classes(processes: Sequence[Mapping[str, Any]]) -> Iterator[UserError]:
    classes = [one.get("class") for one in processes]
    if None in classes[:-1] or classes[-1] is not None:
        message = msg("The last process, and no other, is for customers of every other class: it names none.")
        yield UserError("INVALID_CONTENT", message, ("processes",))
    for place, code in enumerate(classes):
        if code is not None and code in classes[:place]:
            repeated = msg("There are two processes of this class.")
            yield UserError("PROCESS_REPEATED", repeated, ("processes", place, "class"))


async def _unknown_classes(read: TenantRead, processes: Sequence[Mapping[str, Any]]) -> list[UserError]:
    named = [(place, one["class"]) for place, one in enumerate(processes) if "class" in one]
    known = {row["code"] for row in await read.fetch(_KNOWN, [code for _, code in named])}
    return [
        UserError("NOT_FOUND", msg("There is no such class."), ("processes", place, "class"))
        for place, code in named
        if code not in known
    ]


register_rule_kind(KIND, check=check, label=msg("Sales processes"))

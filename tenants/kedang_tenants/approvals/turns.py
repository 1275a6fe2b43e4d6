"""Whose turn it is: kept beside a request so that it is found and seen, and told to whom it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.approvals.deciders import Staff, who_may_decide
from kedang_tenants.approvals.models import OPEN
from kedang_tenants.approvals.requests import Held
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notices import APPROVAL_DECIDED, APPROVAL_WAITING
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

_TURNS = """
SELECT id, request_id, member_id, for_member_id, stage FROM approval_turn
WHERE request_id = ANY($1::uuid[]) AND open ORDER BY id FOR UPDATE
"""
_NAMES = "SELECT id, name FROM member WHERE id = ANY($1::uuid[])"

_Turn: TypeAlias = tuple[UUID, UUID | None]


async def set_turns(
    write: TenantWrite, viewer: Viewer, requests: Sequence[Held], *, staff: Staff, clock: Clock
) -> int:
    """Bring the turns of requests to what is true now, and tell those whose turn has come; how many differ.

    A request that is not open is nobody's turn.
    """
    present: dict[UUID, dict[_Turn, tuple[UUID, int]]] = {held.id: {} for held in requests}
    for row in await write.fetch(_TURNS, list(present)):
        turn = (row["member_id"], row["for_member_id"])
        present[row["request_id"]][turn] = (row["id"], row["stage"])
    ended: list[Change] = []
    begun: list[Change] = []
    told: list[tuple[Held, UUID, UUID | None]] = []
    for held in requests:
        wanted = who_may_decide(staff, held.question()) if held.state == OPEN else {}
        for turn, (turn_id, stage) in present[held.id].items():
            if stage != held.stage or turn not in wanted.items():
                ended.append(Change("approval_turn", "update", turn_id, values={"open": False}))
        for member, in_place_of in wanted.items():
            if present[held.id].get((member, in_place_of), (None, 0))[1] != held.stage:
                begun.append(_turn(held, member, in_place_of))
                told.append((held, member, in_place_of))
    await change_internally(write, viewer, ended, clock=clock)
    await change_internally(write, viewer, begun, clock=clock)
    await _tell_waiting(write, viewer, told, clock=clock)
    return len(ended) + len(begun)


def _turn(held: Held, member: UUID, in_place_of: UUID | None) -> Change:
    values = {
        "request_id": held.id,
        "member_id": member,
        "for_member_id": in_place_of,
        "stage": held.stage,
    }
    return Change("approval_turn", "create", values=values)


async def _tell_waiting(
    write: TenantWrite,
    viewer: Viewer,
    told: Sequence[tuple[Held, UUID, UUID | None]],
    *,
    clock: Clock,
) -> None:
    people = {held.asked_by for held, _, _ in told} | {place for _, _, place in told}
    names = await names_of(write, people)
    tellings = [
        _waiting(held, member, in_place_of, names, occasion=f"approval:{held.id.hex}:{held.stage}")
        for held, member, in_place_of in told
    ]
    await tell(write, viewer, tellings, clock=clock)


async def remind(
    write: TenantWrite, viewer: Viewer, requests: Sequence[Held], *, day: str, clock: Clock
) -> int:
    """Remind those whose turn it is; each once a day."""
    by_id = {held.id: held for held in requests}
    rows = await write.fetch(_TURNS, list(by_id))
    people = {held.asked_by for held in requests} | {row["for_member_id"] for row in rows}
    names = await names_of(write, people)
    tellings = [
        _waiting(
            held := by_id[row["request_id"]],
            row["member_id"],
            row["for_member_id"],
            names,
            occasion=f"approval:{held.id.hex}:{held.stage}:{day}",
        )
        for row in rows
    ]
    return await tell(write, viewer, tellings, clock=clock)


def _waiting(
    held: Held, member: UUID, in_place_of: UUID | None, names: Mapping[UUID, str], *, occasion: str
) -> Telling:
    asker = names.get(held.asked_by, "") if held.asked_by else ""
    body = msg("{asker} asks for approval: {summary}")
    if in_place_of is not None:
        body = msg("{asker} asks for approval: {summary}. You decide in the place of {member}.")
    return Telling(
        kind=APPROVAL_WAITING,
        member_id=member,
        occasion=occasion,
        title=msg("An approval waits for you: {summary}"),
        body=body,
        params={
            "asker": asker,
            "summary": held.summary,
            "member": names.get(in_place_of, "") if in_place_of else "",
        },
        about=("approval_request", held.id),
    )


_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "APPROVED": (msg("Approved: {summary}"), msg("{decider} has approved: {summary}. {remark}")),
    "REFUSED": (msg("Refused: {summary}"), msg("{decider} has refused: {summary}. {remark}")),
    "RETURNED": (
        msg("Returned: {summary}"),
        msg("{decider} returns it to be mended and submitted again: {summary}. {remark}"),
    ),
}


async def tell_asker(
    write: TenantWrite,
    viewer: Viewer,
    held: Held,
    *,
    state: str,
    decided_by: UUID,
    remark: str | None,
    clock: Clock,
) -> None:
    """Tell whoever asked what was decided."""
    if held.asked_by is None:
        return
    title, body = _OUTCOMES[state]
    names = await names_of(write, {decided_by})
    params = {"summary": held.summary, "decider": names.get(decided_by, ""), "remark": remark or ""}
    telling = Telling(
        kind=APPROVAL_DECIDED,
        member_id=held.asked_by,
        occasion=f"approval:{held.id.hex}:{held.stage}:{state}",
        title=title,
        body=body,
        params=params,
        about=("approval_request", held.id),
    )
    await tell(write, viewer, [telling], clock=clock)


async def names_of(write: TenantWrite, members: set[UUID | None] | set[UUID]) -> dict[UUID, str]:
    wanted = [member for member in members if member is not None]
    return {row["id"]: row["name"] for row in await write.fetch(_NAMES, wanted)}

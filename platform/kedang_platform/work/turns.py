"""The rules of taking turns, apart from where the jobs lie: among companies, and within one.

Among the companies everybody has one turn, then everybody a second one. Within a company what people wait for goes before what
they do not (``priority``), but not for ever: every fifth turn belongs to the job that has waited longest, once
that is more than a minute. A channel that is full is passed by, whatever waits in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from kedang_platform.work.channels import Channel

PATIENCE_TURNS = 5
"""One turn in so many goes to what has waited longest, however little it presses,"""
PATIENCE = timedelta(minutes=1)
"""once it has waited so much longer than what presses most."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A company (its schema; empty for the installation) that has work due, and how much it has out.

    ``turns`` is how many jobs it has ever been given.
    """

    tenant: str
    in_flight: int
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that is due, ``since`` when."""

    id: UUID
    tenant: str
    kind: str
    priority: int
    since: datetime


@dataclass(slots=True)
class Flight:
    """What is in flight, by company and by channel; ``queued`` of it no worker has begun."""

    channels: Mapping[str, Channel]
    queued: int = 0
    _company: Counter[str] = field(default_factory=Counter)
    _channel: Counter[str] = field(default_factory=Counter)
    _both: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, tenant: str, kind: str, count: int = 1) -> None:
        self._company[tenant] += count
        if channel := self.channels.get(kind):
            self._channel[channel.name] += count
            self._both[tenant, channel.name] += count

    def of_company(self, tenant: str) -> int:
        return self._company[tenant]

    def has_room(self, tenant: str, kind: str) -> bool:
        """Whether one more job of the kind may go by its channel."""
        channel = self.channels.get(kind)
        return channel is None or (
            self._channel[channel.name] < channel.overall
            and self._both[tenant, channel.name] < channel.company
        )


class _Hand:
    """What a lane has waiting, sorted by kind and priority, each oldest first."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._classes: defaultdict[tuple[str, int], deque[Candidate]] = defaultdict(deque)

    def add(self, job: Candidate) -> None:
        self._classes[job.kind, job.priority].append(job)

    def next(self, flight: Flight) -> Candidate | None:
        """Take the job whose turn it is; None when there is none whose channel has room."""
        heads = [
            jobs[0]
            for jobs in self._classes.values()
            if jobs and flight.has_room(jobs[0].tenant, jobs[0].kind)
        ]
        if not heads:
            return None
        job = min(heads, key=lambda each: (each.priority, each.since, each.id))
        if self._turns % PATIENCE_TURNS == PATIENCE_TURNS - 1:
            oldest = min(heads, key=lambda each: (each.since, each.id))
            job = oldest if job.since - oldest.since > PATIENCE else job
        self._turns += 1
        return self._classes[job.kind, job.priority].popleft()


def share(lanes: Sequence[Lane], *, room: int, per_lane: int) -> dict[str, int]:
    """How many jobs each lane may hand out now: evenly, first lanes first, none beyond ``per_lane`` in flight."""
    free = {lane.tenant: per_lane - lane.in_flight for lane in lanes if lane.in_flight < per_lane}
    rooms: dict[str, int] = {}
    while room > 0 and free:
        for tenant in list(free)[:room]:
            rooms[tenant] = rooms.get(tenant, 0) + 1
            free[tenant] -= 1
            room -= 1
        free = {tenant: left for tenant, left in free.items() if left > 0}
    return rooms


def deal(
    waiting: Sequence[Candidate], lanes: Sequence[Lane], *, rooms: Mapping[str, int], flight: Flight
) -> list[Candidate]:
    """The jobs to be run, in order: one of each lane, then the second of each, and so on.

    No lane gets more than its room, no channel more than it takes; ``flight`` then holds them, too.
    """
    hands = {lane.tenant: _Hand(lane.turns) for lane in lanes}
    for job in sorted(waiting, key=lambda each: (each.since, each.id)):
        hands[job.tenant].add(job)
    dealt: list[Candidate] = []
    left = {tenant: room for tenant, room in rooms.items() if tenant in hands}
    while left:
        for tenant in list(left):
            found = hands[tenant].next(flight)
            left[tenant] -= 1
            if found is not None:
                flight.add(tenant, found.kind)
                dealt.append(found)
            if found is None or not left[tenant]:
                del left[tenant]
    return dealt

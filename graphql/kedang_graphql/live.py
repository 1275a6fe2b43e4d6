"""Who watches what in this process: events of a company come in, and each watcher is told what they may see.

A company has a room while somebody watches it. Its events are told one batch after the other, each batch
in one transaction at best, with rights that are loaded for the batch, and again where it takes
longer than 5 seconds. Watchers of one member with the same wish share one reading.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

import structlog

from kedang_graphql.engine.together import Together
from kedang_graphql.live_counting import Places
from kedang_graphql.live_jobs import JobWatch
from kedang_graphql.live_watching import Told, Wanted
from kedang_graphql.services import Services
from kedang_graphql.throttling import throttled
from kedang_platform.database import TenantRead
from kedang_platform.errors import KedangError, Unauthenticated
from kedang_platform.i18n import msg
from kedang_platform.identity.credentials import Identified, living
from kedang_platform.live import Feed, LiveEvent, unavailable
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Viewer

GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
FORBIDDEN: Final = 4403

_MOST_WAITING: Final = 10_000
_REMEMBERED: Final = 5_000
_BATCH: Final = 500
_TOLD_AT_ONCE: Final = 8  # groups; were it all, a request would wait for each of them whenever it waits
_CHECK_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 3.0
_LONGEST_READING: Final = 3.0
_RIGHTS_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class TooSlowToTell(KedangError):
    """Reading what a subscription shows takes so long that others would wait for it."""

    passing = True  # the statement was broken off, and the transaction with it


class Connection(Protocol):
    """A socket of somebody who was let in."""

    @property
    def identified(self) -> Identified: ...

    @property
    def watching(self) -> bool: ...

    def close(self, code: int, reason: str) -> None: ...


@dataclass(eq=False, slots=True)
class Watcher:
    """One subscription of one connection: ``push`` tells it, ``fail`` ends it and says why.

    ``size`` is how long its message was: what it holds of this process's memory follows that.
    """

    wanted: Wanted
    identified: Identified
    push: Callable[[bytes], None]
    fail: Callable[[Exception], None]
    size: int


@dataclass(eq=False, slots=True)
class _Group:
    """Watchers who are told the same."""

    wanted: Wanted
    identified: Identified
    watchers: set[Watcher] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A viewer, and until when their rights need not be looked up again while the same batch is told."""

    viewer: Viewer
    until: float


class Live:
    """The sockets of a process and what they watch; used on one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._rooms: dict[UUID, _Room] = {}
        self._connections: set[Connection] = set()
        self._of_credentials = Places(services.settings.live_connections)
        self._of_strangers = Places(services.settings.live_strangers)
        self._empty = asyncio.Event()
        self._empty.set()
        self._feed: Feed | None = None
        if services.settings.redis_url is not None:
            self._feed = Feed(services.settings.redis_url, told=self._told, lost=self._lost)
        # Requests are to find a connection also while much is told.
        self._places = asyncio.Semaphore(max(1, services.settings.pool_size // 2))
        self._suspicion = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._ignoring: set[asyncio.Task[None]] = set()
        self.jobs = JobWatch(services)
        self.draining = False

    def start(self) -> None:
        """Begin to look after the credentials of who is connected."""
        self._services.identity.credentials.when_forgotten.append(self._suspicion.set)
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        await self.drain()
        await self.jobs.close()
        self._services.identity.credentials.when_forgotten.remove(self._suspicion.set)
        for task in (self._keeping, *self._ignoring):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        if self._feed is not None:
            await self._feed.close()

    async def drain(self) -> None:
        """Take nobody in any more, and send everybody to another process; returns when they were told, or soon."""
        self.draining = True
        for connection in list(self._connections):
            connection.close(GOING_AWAY, "Going away")
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._empty.wait()

    def arrive(self, address: str) -> bool:
        """Whether one more of this address may take its time to say who it is; ``made_known`` ends that."""
        return self._of_strangers.take(address)

    def made_known(self, address: str) -> None:
        self._of_strangers.give_back(address)

    def enter(self, connection: Connection) -> bool:
        """Take a connection in, unless its credential has as many as it may."""
        if not self._of_credentials.take(connection.identified.credential_id):
            return False
        self._connections.add(connection)
        self._empty.clear()
        return True

    def leave(self, connection: Connection) -> None:
        """Let a connection go, if it was taken in."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._of_credentials.give_back(connection.identified.credential_id)
        if not self._connections:
            self._empty.set()

    async def watch(self, watcher: Watcher) -> None:
        """Tell the watcher of all that is told from now on.

        Raises LiveUnavailable, and what reading with its wish would raise.
        """
        if self._feed is None:
            raise unavailable()
        company = watcher.identified.company
        room = self._rooms.setdefault(company.id, _Room(self._services, self._places))
        room.coming += 1
        try:
            await self._feed.listen(company.id)
            async with self._services.databases.tenant_read(company.ref) as tx:
                viewer = await _viewer(tx, watcher.identified)
                await watcher.wanted.check(tx, viewer)
            if not self._feed.hears(company.id):  # lost meanwhile: who is not in a room yet was not sent away
                raise unavailable()
            room.enter(watcher)
        finally:
            room.coming -= 1
            self._tidy(company.id)

    def ignore(self, watcher: Watcher) -> None:
        """Tell the watcher of nothing more."""
        company_id = watcher.identified.company.id
        room = self._rooms.get(company_id)
        if room is not None:
            room.leave(watcher)
            self._tidy(company_id)

    def _tidy(self, company_id: UUID) -> None:
        """A room that nobody is in is given up."""
        room = self._rooms.get(company_id)
        if room is None or room.used or self._feed is None:
            return
        del self._rooms[company_id]
        task = asyncio.create_task(self._feed.ignore(company_id, unless=lambda: company_id in self._rooms))
        self._ignoring.add(task)
        task.add_done_callback(self._ignoring.discard)

    def _told(self, company_id: UUID, events: Sequence[LiveEvent]) -> None:
        room = self._rooms.get(company_id)
        if room is not None and not room.take(events):
            log.warning("live.too_much")
            self._send_away(lambda one: one.identified.company.id == company_id, "Too much at once")

    def _lost(self) -> None:
        """What happened meanwhile nobody knows: all who watch begin anew, and read what is there now."""
        self._send_away(lambda _: True, "Live updates were interrupted")

    def _send_away(self, which: Callable[[Connection], bool], reason: str) -> None:
        for connection in list(self._connections):
            if connection.watching and which(connection):
                connection.close(TRY_AGAIN_LATER, reason)

    async def _keep(self) -> None:
        """End connections whose credentials have: at once where that is announced, else within 5 seconds."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._suspicion.wait(), _CHECK_SECONDS)
            self._suspicion.clear()
            try:
                await self._end_ended()
            except Exception as error:  # noqa: BLE001 - whatever it is, credentials are to be looked at again
                log.warning("live.credentials_not_checked", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _end_ended(self) -> None:
        asked = {connection.identified.credential_id for connection in self._connections}
        if not asked:
            return
        async with self._services.databases.control_read() as read:
            idle = self._services.identity.credentials.idle
            still = await living(read, asked, now=self._services.clock.now(), idle=idle)
        for connection in list(self._connections):
            credential = connection.identified.credential_id
            if credential in asked and credential not in still:
                connection.close(FORBIDDEN, "Forbidden")


class _Room:
    """What is watched in one company."""

    def __init__(self, services: Services, places: asyncio.Semaphore) -> None:
        self._services = services
        self._places = places
        self._turns = asyncio.Semaphore(_TOLD_AT_ONCE)
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._waiting: deque[LiveEvent] = deque()
        self._known: deque[int] = deque(maxlen=_REMEMBERED)
        self._known_set: set[int] = set()
        self._working: asyncio.Task[None] | None = None
        self.coming = 0
        """How many are about to enter."""

    @property
    def used(self) -> bool:
        return bool(self._groups) or self.coming > 0

    def enter(self, watcher: Watcher) -> None:
        found = self._groups.setdefault(_mark(watcher), _Group(watcher.wanted, watcher.identified))
        found.watchers.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        found = self._groups.get(_mark(watcher))
        if found is None:
            return
        found.watchers.discard(watcher)
        if not found.watchers:
            del self._groups[_mark(watcher)]

    def take(self, events: Sequence[LiveEvent]) -> bool:
        """Tell of these events soon; False where more wait already than anybody can be told in time."""
        new = [event for event in events if self._is_new(event)]
        if len(self._waiting) + len(new) > _MOST_WAITING:
            self._waiting.clear()
            return False
        self._waiting.extend(new)
        if self._waiting and self._working is None:
            self._working = asyncio.create_task(self._work())
        return True

    def _is_new(self, event: LiveEvent) -> bool:
        """Whether the event was not told already: a worker that died is followed by another."""
        if event.sequence in self._known_set:
            return False
        if len(self._known) == _REMEMBERED:
            self._known_set.discard(self._known[0])
        self._known.append(event.sequence)
        self._known_set.add(event.sequence)
        return True

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                async with self._places:
                    await self._tell(batch)
        finally:
            self._working = None

    async def _tell(self, batch: Sequence[LiveEvent]) -> None:
        concerned = list(self._concerned(batch))
        if not concerned:
            return
        company = concerned[0][0].identified.company.ref
        together = Together(lambda: self._services.databases.tenant_read(company))
        viewers: dict[tuple[object, ...], _Loaded] = {}
        await asyncio.gather(
            *(self._tell_group(together, viewers, group, events) for group, events in concerned)
        )

    def _concerned(self, batch: Sequence[LiveEvent]) -> Iterator[tuple[_Group, list[LiveEvent]]]:
        by_record = defaultdict[str, list[LiveEvent]](list)
        for event in batch:
            by_record[event.record].append(event)
        for group in list(self._groups.values()):
            events = [event for event in by_record[group.wanted.record.name] if group.wanted.concerns(event)]
            if events:
                yield group, events

    async def _tell_group(
        self,
        together: Together,
        viewers: dict[tuple[object, ...], _Loaded],
        group: _Group,
        events: list[LiveEvent],
    ) -> None:
        most = group.wanted.most_at_once
        try:
            for begin in range(0, len(events), most):
                if not group.watchers:
                    return
                found = await together.read(partial(_read, viewers, group, events[begin : begin + most]))
                if not found:
                    await self._charge(group, group.wanted.least)
                async with self._turns:
                    for told in found:
                        for watcher in await self._charge(group, told.points):
                            watcher.push(told.payload)
                        await asyncio.sleep(
                            0
                        )  # requests, and those who write to the sockets, have their turn
        except Exception as error:  # noqa: BLE001 - it is told to who watches, and holds up nobody else
            for watcher in list(group.watchers):
                watcher.fail(error)

    async def _charge(self, group: _Group, points: int) -> list[Watcher]:
        """Those of the group who could pay; to whom cannot that is told, and nothing more."""
        buckets = self._services.buckets
        paid = []
        for watcher in list(group.watchers):
            taken = await buckets.take(watcher.identified.credential_id.hex, points)
            if watcher not in group.watchers:
                continue
            if taken.granted:
                paid.append(watcher)
            else:
                watcher.fail(throttled(buckets, points, taken.available))
        return paid


def _who(identified: Identified) -> tuple[object, ...]:
    return identified.member_id, identified.kind


def _mark(watcher: Watcher) -> tuple[object, ...]:
    return (*_who(watcher.identified), *watcher.wanted.mark)


async def _viewer(tx: TenantRead, identified: Identified) -> Viewer:
    """The member with the rights of this moment; raises Unauthenticated for one who is not active any more."""
    viewer = await load_viewer(
        tx, company=identified.company, member_id=identified.member_id, via=identified.kind
    )
    if viewer is None:
        raise Unauthenticated(msg("You are not an active member of this company."))
    return viewer


async def _read(
    viewers: dict[tuple[object, ...], _Loaded], group: _Group, events: Sequence[LiveEvent], tx: TenantRead
) -> list[Told]:
    """What the group is told; ``viewers`` are those who were loaded for this batch already."""
    who = _who(group.identified)
    try:
        async with asyncio.timeout(_LONGEST_READING):
            known = viewers.get(who)
            if known is None or known.until <= monotonic():
                known = _Loaded(await _viewer(tx, group.identified), monotonic() + _RIGHTS_SECONDS)
                viewers[who] = known
            return await group.wanted.tell(tx, known.viewer, events)
    except TimeoutError:
        raise TooSlowToTell(msg("This takes too long to be told of every change. Ask for less.")) from None

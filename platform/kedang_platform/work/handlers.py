"""How a feature offers a handler, and the registry of all of them.

A decorator marks the function where it stands and changes nothing elsewhere; the worker collects
what is marked. So importing a feature has no effect, and two registries can live in one process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, TypeAlias

from kedang_platform.errors import UserError
from kedang_platform.work.channels import Channel, channel_named
from kedang_platform.work.recurrence import Daily, Interval, Pattern, Rule
from kedang_platform.work.retry import USUAL, Backoff

if TYPE_CHECKING:
    from kedang_platform.work.running import RunningJob

RETRIES = 12
"""Tries after the first, unless a handler says otherwise: spread over about two hours."""

Handle: TypeAlias = Callable[["RunningJob"], Awaitable[None]]
GiveUp: TypeAlias = Callable[["RunningJob", UserError], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobHandler:
    """What is done for a kind of job.

    ``timeout`` is how long one try may take; ``retries`` how often a failure that may pass is tried
    again; ``slow`` work (imports, exports) never takes the last free place of a worker. Work of the
    ``installation`` names companies, people and mails in its payload: no company can ask for it.
    Of a ``channel`` only so many jobs are in flight as it allows.

    ``on_give_up`` is told that the job fails for good, and why, before it is settled as failed: after
    the last failure, after one that is a plain no, and when the worker was lost at every try. It
    writes within ``job.step()``, which is then neither called off nor interrupted, and may be called
    again when a worker dies in between or it fails itself; so it changes only what is still open.
    It does not finish the job. After ``runner.LAST_WORDS`` further tries the job fails without it.
    """

    kind: str
    run: Handle
    timeout: timedelta
    retries: int
    slow: bool = False
    installation: bool = False
    on_give_up: GiveUp | None = None
    channel: Channel | None = None
    backoff: Backoff = USUAL
    rules: tuple[Rule, ...] = ()


def handler(
    kind: str,
    *,
    timeout: timedelta = timedelta(minutes=5),
    retries: int = RETRIES,
    slow: bool = False,
    installation: bool = False,
    on_give_up: GiveUp | None = None,
    channel: str | None = None,
    retry: Backoff = USUAL,
) -> Callable[[Handle], JobHandler]:
    """Offer the decorated ``async def f(job: RunningJob) -> None`` as the handler of ``kind``.

    Where something waits for the job that would otherwise wait for ever (an import that is RUNNING),
    ``on_give_up``, an ``async def f(job: RunningJob, error: UserError) -> None``, tells it (``JobHandler``).
    ``channel`` is one of ``channels.CHANNELS``; ``retry`` are the waits after failures that have none of
    their own (``retry``).
    """
    way = channel_named(channel) if channel is not None else None

    def mark(run: Handle) -> JobHandler:
        return JobHandler(kind, run, timeout, retries, slow, installation, on_give_up, way, retry)

    return mark


def recurring(
    rule: str,
    *,
    every: timedelta | None = None,
    at: time | None = None,
    pattern: Pattern | None = None,
    installation: bool = False,
) -> Callable[[JobHandler], JobHandler]:
    """Have the handler run by itself: ``every`` so often, daily ``at`` a time in the company's zone, or by a
    ``pattern`` (``Weekly``, ``Monthly``, ``Yearly``, ``Lunar``).

    Stands above ``@handler``. One job a company and occurrence, for active companies; with
    ``installation`` one for the whole installation, its time in UTC. Its payload tells
    ``occurrence`` (the instant, ISO 8601) and ``date`` (the day in the zone). After a standstill
    only the latest missed occurrence is made up for.
    """
    patterns = (
        pattern,
        Interval(every) if every is not None else None,
        Daily(at) if at is not None else None,
    )
    said = [each for each in patterns if each is not None]
    if len(said) != 1:
        raise ValueError(f"{rule}: say one of every, at and pattern")

    def mark(target: JobHandler) -> JobHandler:
        added = Rule(rule, target.kind, said[0], installation=installation)
        return replace(target, rules=(*target.rules, added))

    return mark


@dataclass(frozen=True, slots=True)
class Registry:
    """The handlers of a process by kind, and the rules that recur."""

    handlers: Mapping[str, JobHandler]

    @classmethod
    def of(cls, *handlers: JobHandler) -> Registry:
        """Raises ValueError when two handlers claim a kind or two rules a name."""
        by_kind: dict[str, JobHandler] = {}
        names: set[str] = set()
        for each in handlers:
            if each.kind in by_kind:
                raise ValueError(f"two handlers for {each.kind}")
            by_kind[each.kind] = each
            for rule in each.rules:
                if rule.name in names:
                    raise ValueError(f"two rules named {rule.name}")
                names.add(rule.name)
        return cls(MappingProxyType(by_kind))

    @classmethod
    def collect(cls, modules: Iterable[ModuleType]) -> Registry:
        """Every handler that the modules define; one that two modules share counts once."""
        found = (
            value for module in modules for value in vars(module).values() if isinstance(value, JobHandler)
        )
        return cls.of(*dict.fromkeys(found))

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channel of each kind that has one."""
        return {kind: each.channel for kind, each in self.handlers.items() if each.channel is not None}

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for each in self.handlers.values() for rule in each.rules)

from datetime import time, timedelta
from types import ModuleType

import pytest

from kedang_platform.work import Registry, handler, recurring
from kedang_platform.work.channels import CHANNELS
from kedang_platform.work.recurrence import Daily, Interval, Lunar, Weekly
from kedang_workers import handlers


@recurring("digest.morning", at=time(8))
@recurring("digest.hourly", every=timedelta(hours=1), installation=True)
@handler("digest", timeout=timedelta(seconds=10), retries=2, slow=True)
async def digest(job):
    pass


def test_a_handler_carries_what_its_decorators_say():
    registry = Registry.of(digest)
    found = registry.handlers["digest"]
    assert (found.timeout, found.retries, found.slow) == (timedelta(seconds=10), 2, True)
    assert [(rule.name, rule.kind, rule.pattern, rule.installation) for rule in registry.rules] == [
        ("digest.hourly", "digest", Interval(timedelta(hours=1)), True),
        ("digest.morning", "digest", Daily(time(8)), False),
    ]


def test_two_handlers_of_a_kind_and_two_rules_of_a_name_are_refused():
    @handler("digest")
    async def second(job):
        pass

    @recurring("digest.morning", at=time(9))
    @handler("other")
    async def other(job):
        pass

    with pytest.raises(ValueError, match="two handlers for digest"):
        Registry.of(digest, second)
    with pytest.raises(ValueError, match=r"two rules named digest\.morning"):
        Registry.of(digest, other)


def test_a_rule_says_exactly_one_of_every_at_and_pattern():
    with pytest.raises(ValueError, match="say one of every, at and pattern"):
        recurring("both", every=timedelta(hours=1), at=time(8))
    with pytest.raises(ValueError, match="say one of every, at and pattern"):
        recurring("neither")
    with pytest.raises(ValueError, match="say one of every, at and pattern"):
        recurring("both", at=time(8), pattern=Weekly((1,), time(8)))


def test_a_rule_takes_any_pattern_and_a_handler_any_channel_that_there_is():
    @recurring("dues.yearly", pattern=Lunar(1, 15, time(8)))
    @handler("dues", channel="mail")
    async def dues(job):
        pass

    registry = Registry.of(dues, digest)
    assert next(rule.pattern for rule in registry.rules) == Lunar(1, 15, time(8))
    assert registry.channels == {"dues": CHANNELS["mail"]}
    with pytest.raises(ValueError, match="there is no channel 'carrier pigeon'"):
        handler("dues", channel="carrier pigeon")


def test_a_handler_that_two_modules_share_counts_once():
    first, second = ModuleType("first"), ModuleType("second")
    first.digest = second.digest = digest
    assert list(Registry.collect([first, second]).handlers) == ["digest"]


def test_the_product_s_own_handlers_load_without_clashes():
    registry = handlers.load()
    assert "work.remove_ended" in registry.handlers
    assert {rule.kind for rule in registry.rules} <= set(registry.handlers)

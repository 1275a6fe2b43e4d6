import errno
import random
from datetime import timedelta

import pytest

from kedang_platform.database import DatabaseBusy, DatabaseUnavailable
from kedang_platform.errors import BadUserInput, CompanyUpgrading, KedangError, Refused, UserError
from kedang_platform.live.events import LiveUnavailable
from kedang_platform.work.retry import (
    USUAL,
    Backoff,
    FailureClass,
    UnknownKind,
    class_of,
    counts,
    failure_of,
    may_pass,
    wait_after,
    wait_for_newer,
)


class AskedToWait(KedangError):
    def __init__(self, seconds: float) -> None:
        super().__init__("later")
        self.retry_after = timedelta(seconds=seconds)


LONGEST, SHORTEST = random.Random(), random.Random()
LONGEST.uniform = lambda low, high: high
SHORTEST.uniform = lambda low, high: low


def test_waits_double_up_to_an_hour_and_are_spread():
    waits = [USUAL.wait(number, chance=LONGEST).total_seconds() for number in range(1, 14)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    chance = random.Random(7)
    spread = {USUAL.wait(5, chance=chance) for _ in range(50)}
    assert timedelta(seconds=16) <= min(spread) < timedelta(seconds=18)
    assert timedelta(seconds=30) < max(spread) <= timedelta(seconds=32)
    assert len(spread) == 50


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("error", "found", "again"),
    [
        (BadUserInput("no"), FailureClass.PLAIN_NO, False),
        (Refused([UserError("X", "no")]), FailureClass.PLAIN_NO, False),
        (CompanyUpgrading("not now"), FailureClass.PASSING, True),
        (AskedToWait(30), FailureClass.TOLD_WHEN, True),
        (DatabaseBusy("not now"), FailureClass.CONTENTION, True),
        (DatabaseUnavailable("not now"), FailureClass.SERVER_AWAY, True),
        (LiveUnavailable("not now"), FailureClass.SERVER_AWAY, True),
        (OSError(errno.ENOSPC, "No space left on device"), FailureClass.SERVER_AWAY, True),
        (FileNotFoundError(errno.ENOENT, "No such file"), FailureClass.BUG, True),
        (UnknownKind("not here"), FailureClass.NOT_KNOWN, True),
        (ZeroDivisionError(), FailureClass.BUG, True),
        (TimeoutError(), FailureClass.BUG, True),
    ],
)
def test_a_plain_no_is_final_and_everything_else_may_pass(error, found, again):
    assert class_of(error) is found
    assert may_pass(error) is again


@pytest.mark.requirement("T10")
@pytest.mark.parametrize(
    ("error", "tries", "least", "most"),
    [
        pytest.param(DatabaseBusy("busy"), 1, 0.05, 0.1, id="a deadlock is tried again at once"),
        pytest.param(DatabaseBusy("busy"), 12, 15, 30, id="contention never waits longer than half a minute"),
        pytest.param(DatabaseUnavailable("away"), 1, 5, 10, id="a server that is away"),
        pytest.param(DatabaseUnavailable("away"), 40, 5, 10, id="however long"),
        pytest.param(AskedToWait(90), 1, 90, 99, id="as asked"),
        pytest.param(AskedToWait(90), 9, 90, 99, id="as asked, whatever the try"),
        pytest.param(AskedToWait(1e6), 1, 86_400, 95_040, id="a day at the most"),
        pytest.param(CompanyUpgrading("not now"), 3, 6, 12, id="the handler's own waits: passing"),
        pytest.param(ZeroDivisionError(), 3, 6, 12, id="the handler's own waits: a bug"),
    ],
)
def test_the_wait_goes_by_the_class_of_the_failure(error, tries, least, most):
    slow = Backoff(timedelta(seconds=3), timedelta(seconds=60))
    for chance, seconds in ((SHORTEST, least), (LONGEST, most)):
        wait = wait_after(error, tries, usual=slow, chance=chance)
        assert wait.total_seconds() == pytest.approx(seconds)


def test_work_of_a_newer_release_is_left_to_it_ever_more_patiently():
    waits = [
        wait_for_newer(timedelta(seconds=age), chance=LONGEST).total_seconds() for age in (0, 60, 600, 86_400)
    ]
    assert waits == [2, 15, 150, 600]


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), LiveUnavailable("away"), UnknownKind("?")])
def test_what_could_not_even_begin_costs_no_try_for_a_day(error):
    assert counts(error, age=timedelta(hours=24)) is False
    assert counts(error, age=timedelta(hours=25)) is True
    assert counts(ZeroDivisionError(), age=timedelta(0)) is True


def test_an_expected_failure_is_kept_with_its_code_and_values():
    failure = failure_of(BadUserInput("{count} rows are too many.", count=3))
    assert (failure.code, failure.message) == ("BAD_USER_INPUT", "{count} rows are too many.")
    assert failure.params == '{"count":3}'


def test_a_refusal_tells_its_first_reason():
    failure = failure_of(Refused([UserError("TOO_LONG", "Too long."), UserError("OTHER", "Other.")]))
    assert (failure.code, failure.message) == ("TOO_LONG", "Too long.")


def test_a_bug_is_kept_by_its_place_without_any_value_of_the_trade():
    def look_up(secret):
        return {}[secret]

    try:
        look_up("13800138000")
    except KeyError as error:
        failure = failure_of(error)
    assert failure.code == "INTERNAL_ERROR"
    assert failure.detail.startswith("KeyError in look_up:")
    assert "13800138000" not in f"{failure}"

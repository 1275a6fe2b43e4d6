import random
from datetime import timedelta

import pytest

from kedang_platform.database import DatabaseBusy
from kedang_platform.errors import BadUserInput, CompanyUpgrading, Refused, UserError
from kedang_platform.work.retry import failure_of, may_pass, wait_before


def test_waits_double_up_to_an_hour_and_are_spread():
    longest = random.Random()
    longest.uniform = lambda low, high: high
    waits = [wait_before(number, chance=longest).total_seconds() for number in range(1, 14)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    chance = random.Random(7)
    spread = {wait_before(5, chance=chance) for _ in range(50)}
    assert timedelta(seconds=16) <= min(spread) < timedelta(seconds=18)
    assert timedelta(seconds=30) < max(spread) <= timedelta(seconds=32)
    assert len(spread) == 50


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (BadUserInput("no"), False),
        (Refused([UserError("X", "no")]), False),
        (CompanyUpgrading("not now"), True),
        (DatabaseBusy("not now"), True),
        (ZeroDivisionError(), True),
        (TimeoutError(), True),
    ],
)
def test_a_plain_no_is_final_and_everything_else_may_pass(error, again):
    assert may_pass(error) is again


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

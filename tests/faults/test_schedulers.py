"""Two, then five schedulers whose clocks stand apart and run fast: each occurrence is made once, and none is left out."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.requirement("O1", "T6")]

TIMES = 20
BEAT = timedelta(minutes=1)
_MADE = """
SELECT kind, tenant, key, (payload ->> 'occurrence')::timestamptz AS at, created_at FROM work.job
WHERE created_at >= $1 AND key LIKE kind || '@%' ORDER BY kind, tenant, at"""

_AHEAD = """
SELECT coalesce(extract(epoch FROM max(latest) - now()), 0)::float8 FROM work.occurrence
WHERE rule = 'changing.seal_all'"""


@pytest.mark.parametrize("count", [2, 5])
async def test_schedulers_with_skewed_clocks(house, count):
    since = await house.value("SELECT clock_timestamp()")
    await house.end("scheduler")
    ahead = max(0.0, await house.value(_AHEAD))  # where fast clocks of before have led
    names = [f"skewed-{number}" for number in range(count)]
    for name in names:
        apart = ahead + house.chance.uniform(-90, 90)
        house.start(name, module="tests.faults.skewed_scheduler", arguments=[f"{apart:.3f}", f"{TIMES}"])
    await asyncio.sleep(house.form.beats_seconds)
    for name in names:
        assert await house.end(name) == 0, house.said()
    house.start("scheduler")
    house.recovering(f"{count} schedulers with skewed clocks")
    made = await house.fetch(_MADE, since)
    keys = [(row["kind"], row["tenant"], row["key"]) for row in made]
    assert len(keys) == len(set(keys))
    beats = [row["at"] for row in made if row["kind"] == "changing.seal_all"]
    assert len(beats) >= house.form.beats_seconds * TIMES / 60 / 2
    assert {later - earlier for earlier, later in pairwise(beats)} == {BEAT}

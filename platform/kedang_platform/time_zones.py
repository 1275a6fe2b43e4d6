"""The time zones that companies and people may choose from."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg

_AREAS = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)


class TimeZoneUnknown(BadUserInput):
    """The time zone is none by place (``Asia/Shanghai``)."""

    def __init__(self, *, path: tuple[str, ...] = ("timeZone",)) -> None:
        super().__init__(msg("Please choose a time zone."), path=path)


@cache
def time_zones() -> frozenset[str]:
    """IANA names by place, such as ``Asia/Shanghai``, and ``UTC``."""
    named = {zone for zone in available_timezones() if zone.partition("/")[0] in _AREAS}
    return frozenset(named | {"UTC"})

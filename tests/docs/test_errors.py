"""The guide knows every code, and none that does not exist."""

import re
from pathlib import Path

import pytest

from kedang_graphql.http import _STATUS
from kedang_platform.errors import KedangError
from kedang_platform.i18n import translate
from tests.docs.codes import codes
from tests.docs.pages import CHINESE, GUIDE

_ROW = re.compile(r"^\| `([A-Z_]+)` \|(?: (\d{3}) \|)? (.*?) \|", re.MULTILINE)


def rows(page: Path) -> dict[str, tuple[str, str]]:
    """Status and message by code, as a page lists them."""
    listed = _ROW.findall(page.read_text())
    assert len(listed) == len({code for code, _, _ in listed}), "a code is listed twice"
    return {code: (status, message) for code, status, message in listed}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("folder", [GUIDE, CHINESE], ids=["en", "zh-CN"])
def test_every_code_is_in_the_guide(folder):
    known = set(codes())
    listed = set(rows(folder / "errors.md"))
    assert known - listed == set(), "the guide does not say what these mean"
    assert listed - known == set(), "these do not exist"


def test_messages_are_those_of_the_product():
    written = codes()
    english, chinese = rows(GUIDE / "errors.md"), rows(CHINESE / "errors.md")
    assert list(english) == list(chinese)
    for code, (status, message) in english.items():
        if message != "–":
            translated = translate(message, "zh-CN")
            if translated != message:  # tests/i18n sees to it that all are translated
                assert chinese[code] == (status, translated)
        if written[code] and code != "INTERNAL_ERROR":
            assert message in written[code], f"{code}: {written[code]}"


def test_states_of_http_are_those_of_the_gateway():
    told = {code: int(status) for code, (status, _) in rows(GUIDE / "errors.md").items() if status}
    assert {code: told[code] for code in _STATUS} == _STATUS
    passing = {kind.code for kind in KedangError.__subclasses__() if kind.passing}
    for code in passing & told.keys() - {"THROTTLED", "IDEMPOTENCY_IN_PROGRESS"}:
        assert told[code] == 503, code

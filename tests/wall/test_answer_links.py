"""A link of one company opens nothing of another, neither to read nor to answer."""

import httpx
import pytest

from tests.support.answering import PUNCTUAL, ask
from tests.support.digests import digests


@pytest.mark.requirement("V4", "A11", "T1")
async def test_the_answer_link_of_one_company_opens_nothing_of_another(gateway, databases, two_companies):
    own, other = [await ask(databases, company) for company in two_companies]
    mine, theirs = await own.invite(), await other.invite()
    refs = [company.ref for company in two_companies]
    before = await digests(databases, *refs)
    crossed = [
        f"/s/{two_companies[0].handle}.{theirs.path.rpartition('.')[2]}",
        f"/s/{two_companies[1].handle}.{mine.path.rpartition('.')[2]}",
    ]
    headers = {"origin": gateway.url}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as anybody:
        unknown = await anybody.get("/s/nothing")
        for path in crossed:
            for wish in ("keep", "save", "send"):
                form = {"do": wish, f"a{PUNCTUAL}": "NOT_SATISFIED"}
                assert (await anybody.post(path, data=form)).status_code == 404, (path, wish)
            answer = await anybody.get(path)
            assert answer.status_code == 404
            assert answer.text.replace(path, "?") == unknown.text.replace("/s/nothing", "?")
        assert await digests(databases, *refs) == before
        for invited in (mine, theirs):
            assert (await anybody.get(invited.path)).status_code == 200

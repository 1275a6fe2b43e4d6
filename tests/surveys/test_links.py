"""Links of invitations: worked out alike each time, told apart, and read only as a whole."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.registry import find_company_by_handle
from kedang_platform.registry.company import new_handle
from kedang_platform.secret_links import read_secret_part, token_hash
from kedang_platform.secrets import SecretKey
from kedang_tenants.surveys.links import invitation_token, survey_link

KEY = SecretKey(b"one secret")


@pytest.mark.requirement("V4")
async def test_a_link_names_the_company_by_its_handle_and_carries_160_bits(databases, company):
    invitation = UUID(int=7)
    link = survey_link(KEY, base_url="https://k.example/", company=company, invitation_id=invitation)
    assert link == survey_link(KEY, base_url="https://k.example", company=company, invitation_id=invitation)
    base, _, rest = link.rpartition("/")
    assert base == "https://k.example/s"
    handle, token = read_secret_part(rest)
    assert (handle, token) == (company.handle, invitation_token(KEY, invitation))
    assert read_secret_part(rest.upper()) == (handle, token)
    assert len(token) * 8 == 160
    assert len(token_hash(token)) == 32
    async with databases.control_read() as read:
        assert await find_company_by_handle(read, handle=handle) == company
    assert replace(company, handle="") != company


@given(first=st.uuids(), second=st.uuids())
def test_tokens_differ_by_invitation_and_by_secret(first, second):
    assert (invitation_token(KEY, first) == invitation_token(KEY, second)) is (first == second)
    assert invitation_token(KEY, first) != invitation_token(SecretKey(b"another"), first)


@given(st.text(max_size=60) | st.from_regex(r"[a-z2-7]{13}\.[a-z0-9]{32}", fullmatch=True))
def test_whatever_else_is_typed_is_read_as_no_link_or_as_20_bytes(text):
    found = read_secret_part(text)
    assert found is None or (len(found[0]) == 13 and len(found[1]) == 20)


def test_handles_are_random():
    assert len({new_handle() for _ in range(1000)}) == 1000
    assert {len(new_handle()) for _ in range(9)} == {13}

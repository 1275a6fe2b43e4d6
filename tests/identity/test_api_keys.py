"""API keys: check digits, keyed hash, scopes, expiry, rotation, revocation, and the note of who did it (T5, T7)."""

import asyncio
import re
import string
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.identity import Credentials, environment_of
from kedang_platform.identity.api_keys import prefix_of
from kedang_platform.identity.errors import (
    ExpiryPast,
    InvalidInstant,
    NameMissing,
    OverlapTooLong,
    ScopeUnknown,
    TooManyKeys,
)
from kedang_platform.secrets import SecretKey
from kedang_tenants.people.operations_keys import (
    create_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from tests.support.people import FULLER


async def make(town, viewer, *, name="Integration", scopes=("read", "write"), expires_at=None):
    return await create_api_key(town.services, viewer, name=name, scopes=scopes, expires_at=expires_at)


async def identify(town, text):
    return await Credentials(town.databases, key=town.services.key, clock=town.clock).identify(
        bearer=text, cookie=None
    )


@pytest.mark.requirement("T5")
async def test_a_key_acts_as_the_member_who_made_it(town):
    signed_in = await town.open()
    viewer = await town.viewer(signed_in)
    made = await make(town, viewer, scopes=["read"])
    assert re.fullmatch(r"kd_local_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}", made.text)
    identified = await identify(town, made.text)
    assert identified.member_id == viewer.member_id
    assert identified.person_id == signed_in.person.id
    assert identified.company.id == signed_in.company.id
    assert identified.credential_id == made.info.id
    assert (identified.kind, identified.scopes) == ("api_key", ("read",))


async def test_the_key_itself_is_not_in_the_database_and_its_hash_needs_the_secret(town):
    made = await make(town, await town.viewer(await town.open()))
    (row,) = await town.rows("api_key")
    assert made.text not in str(row)
    assert made.text.split("_")[3] not in str(row)
    assert row["key_hash"] == town.services.key.mac("api_key", made.text.encode())
    stranger = Credentials(town.databases, key=SecretKey(b"another secret"), clock=town.clock)
    assert await stranger.identify(bearer=made.text, cookie=None) is None


async def test_a_mistyped_key_is_recognised_without_the_database(town):
    made = await make(town, await town.viewer(await town.open()))
    assert prefix_of(made.text) == made.info.prefix
    for place in range(len(made.text)):
        other = "x" if made.text[place] != "x" else "y"
        assert prefix_of(made.text[:place] + other + made.text[place + 1 :]) is None
    for wrong in (
        "",
        "kd_",
        made.text + "0",
        made.text[:-1],
        made.text.upper(),
        f" {made.text}",
        made.text + "\n",
    ):
        assert prefix_of(wrong) is None


async def test_a_scanner_of_source_code_knows_a_key_by_what_the_guide_says(town):
    guide = (Path(__file__).parents[2] / "docs" / "api" / "authentication.md").read_text()
    (pattern,) = re.findall(r"`(kd_\[[^`]+)`", guide)
    made = await make(town, await town.viewer(await town.open()))
    assert re.findall(pattern, f'KEY = "{made.text}"  # ours') == [made.text]
    number = 0
    for character in made.text[-6:]:
        number = number * 62 + (string.digits + string.ascii_lowercase + string.ascii_uppercase).index(
            character
        )
    assert number == zlib.crc32(made.text[:-6].encode())


async def test_a_key_with_a_right_checksum_and_prefix_but_another_secret_is_unknown(town):
    from kedang_platform.identity.api_keys import _with_check

    made = await make(town, await town.viewer(await town.open()))
    forged = _with_check(f"kd_local_{made.info.prefix}_{'0' * 32}")
    assert prefix_of(forged) == made.info.prefix
    assert await identify(town, forged) is None


@pytest.mark.requirement("T5")
async def test_an_expired_key_is_unknown_from_that_moment_also_where_it_is_remembered(town):
    viewer = await town.viewer(await town.open())
    made = await make(town, viewer, expires_at=town.clock.now() + timedelta(days=1))
    remembering = town.services.credentials
    assert await remembering.identify(bearer=made.text, cookie=None) is not None
    town.clock.move(timedelta(days=1))
    assert await remembering.identify(bearer=made.text, cookie=None) is None


@pytest.mark.requirement("T5")
async def test_a_revoked_key_is_unknown_at_once(town):
    viewer = await town.viewer(await town.open())
    made = await make(town, viewer)
    remembering = town.services.credentials
    assert await remembering.identify(bearer=made.text, cookie=None) is not None
    await revoke_api_key(town.services, viewer, key_id=made.info.id)
    assert await remembering.identify(bearer=made.text, cookie=None) is None
    assert await identify(town, made.text) is None
    town.clock.move(timedelta(hours=1))
    revoked = (await town.rows("api_key"))[0]["revoked_at"]
    await revoke_api_key(town.services, viewer, key_id=made.info.id)
    assert (await town.rows("api_key"))[0]["revoked_at"] == revoked


@pytest.mark.requirement("T5")
async def test_a_rotated_key_lives_on_beside_its_successor_until_the_overlap_is_over(town):
    viewer = await town.viewer(await town.open())
    old = await make(town, viewer, scopes=["read"], expires_at=town.clock.now() + timedelta(days=30))
    remembering = town.services.credentials
    town.clock.move(timedelta(days=10))
    assert await remembering.identify(bearer=old.text, cookie=None) is not None
    new = await rotate_api_key(town.services, viewer, key_id=old.info.id, overlap=timedelta(hours=2))
    assert (new.info.name, new.info.scopes, new.info.member_id) == (
        "Integration",
        ("read",),
        viewer.member_id,
    )
    assert new.info.expires_at == town.clock.now() + timedelta(days=30), (
        "it lives as long as the old one was to"
    )
    for text in (old.text, new.text):
        assert await remembering.identify(bearer=text, cookie=None) is not None
    town.clock.move(timedelta(hours=2))
    assert await remembering.identify(bearer=old.text, cookie=None) is None
    assert await remembering.identify(bearer=new.text, cookie=None) is not None


@pytest.mark.requirement("T5")
async def test_rotating_prolongs_no_key_and_may_end_it_at_once(town):
    viewer = await town.viewer(await town.open())
    ends_at = town.clock.now() + timedelta(hours=1)
    old = await make(town, viewer, expires_at=ends_at)
    new = await rotate_api_key(town.services, viewer, key_id=old.info.id, overlap=timedelta(days=7))
    assert (await town.rows("api_key"))[0]["expires_at"] == ends_at
    assert await town.services.credentials.identify(bearer=new.text, cookie=None) is not None
    await rotate_api_key(town.services, viewer, key_id=new.info.id, overlap=timedelta())
    assert await town.services.credentials.identify(bearer=new.text, cookie=None) is None


@pytest.mark.requirement("T5")
async def test_nobody_rotates_the_key_of_another_member_or_one_that_has_ended(town):
    from dataclasses import replace

    from kedang_platform.ids import new_id

    viewer = await town.viewer(await town.open())
    made, ended = await make(town, viewer), await make(town, viewer)
    past = await make(town, viewer, expires_at=town.clock.now() + timedelta(hours=1))
    await revoke_api_key(town.services, viewer, key_id=ended.info.id)
    town.clock.move(timedelta(hours=1))
    before = await town.rows("api_key")
    another = replace(viewer, member_id=new_id(), roles=frozenset({"ADMIN"}))
    for who, key, overlap, error in (
        (another, made, 1, NotFound),
        (viewer, ended, 1, NotFound),
        (viewer, past, 1, NotFound),
        (viewer, made, 169, OverlapTooLong),
        (viewer, made, -1, OverlapTooLong),
        (replace(viewer, roles=frozenset({"GENERAL_MANAGER"})), made, 1, Forbidden),
    ):
        with pytest.raises(error):
            await rotate_api_key(town.services, who, key_id=key.info.id, overlap=timedelta(hours=overlap))
    assert await town.rows("api_key") == before


@pytest.mark.requirement("T5", "T7")
async def test_who_made_rotated_and_ended_a_key_is_noted_without_the_key(town):
    signed_in = await town.open()
    viewer = await town.viewer(signed_in)
    made = await make(town, viewer, scopes=["read"])
    rotated = await rotate_api_key(town.services, viewer, key_id=made.info.id, overlap=timedelta(hours=1))
    for _ in range(2):
        await revoke_api_key(town.services, viewer, key_id=rotated.info.id)
    async with town.databases.tenant_read(viewer.company) as read:
        noted = await read.fetch(
            "SELECT action, actor_id, record_id, changes FROM audit WHERE action LIKE '%api_key%' ORDER BY sequence"
        )
    assert [row["action"] for row in noted] == [
        "member.api_key_made",
        "member.api_key_rotated",
        "member.api_key_revoked",
    ]
    assert {(row["actor_id"], row["record_id"]) for row in noted} == {(viewer.member_id, viewer.member_id)}
    assert orjson.loads(noted[1]["changes"]) == {
        "api_key": [made.info.id.hex, rotated.info.id.hex],
        "name": [None, "Integration"],
        "prefix": [None, rotated.info.prefix],
        "scopes": [None, ["read"]],
        "expires_at": [None, None],
    }
    for key in (made, rotated):
        assert key.text.split("_")[3] not in str([dict(row) for row in noted])
    await town.work()


async def test_keys_are_listed_with_their_last_use_and_without_their_text(town):
    viewer = await town.viewer(await town.open())
    first = await make(town, viewer, name="  First\n")
    second = await make(town, viewer, name="Second", scopes=("write", "read"))
    town.clock.move(timedelta(minutes=10))
    await town.services.credentials.identify(bearer=second.text, cookie=None)
    await town.services.credentials.write_uses()
    listed = await list_api_keys(town.services, viewer)
    assert [key.name for key in listed] == ["Second", "First"]
    assert [key.last_used_at for key in listed] == [town.clock.now(), None]
    assert [key.scopes for key in listed] == [("read", "write"), ("read", "write")]
    assert first.text not in str(listed)


async def test_keys_of_another_company_are_not_found(town):
    mine = await town.viewer(await town.open())
    theirs = await town.viewer(
        await town.open(email="nancy@rival.example", name="Nancy", company="Rival & Sons")
    )
    made = await make(town, theirs)
    before = await town.rows("api_key")
    with pytest.raises(NotFound):
        await revoke_api_key(town.services, mine, key_id=made.info.id)
    assert await list_api_keys(town.services, mine) == []
    assert await town.rows("api_key") == before


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"scopes": []}, ScopeUnknown),
        ({"scopes": ["write"]}, ScopeUnknown),
        ({"scopes": ["read", "admin"]}, ScopeUnknown),
        ({"name": " "}, NameMissing),
        ({"expires_at": datetime(2030, 1, 1)}, InvalidInstant),  # noqa: DTZ001 - the case: a time without a zone
        ({"expires_at": datetime(9999, 12, 31, tzinfo=UTC)}, InvalidInstant),
    ],
)
async def test_wrong_input_makes_no_key(town, wrong, error):
    viewer = await town.viewer(await town.open())
    with pytest.raises(error):
        await make(town, viewer, **wrong)
    with pytest.raises(ExpiryPast):
        await make(town, viewer, expires_at=town.clock.now())
    assert await town.rows("api_key") == []


async def test_a_company_has_at_most_a_hundred_living_keys(town):
    viewer = await town.viewer(await town.open())
    made = [await make(town, viewer) for _ in range(100)]
    with pytest.raises(TooManyKeys):
        await make(town, viewer)
    await revoke_api_key(town.services, viewer, key_id=made[0].info.id)
    assert await make(town, viewer)


async def test_who_may_not_manage_the_company_neither_makes_nor_sees_keys(town):
    from dataclasses import replace

    owner = await town.viewer(await town.open())
    representative = replace(owner, roles=frozenset({"REPRESENTATIVE"}))
    with pytest.raises(Forbidden):
        await make(town, representative)
    with pytest.raises(Forbidden):
        await list_api_keys(town.services, representative)
    manager = replace(owner, roles=frozenset({"GENERAL_MANAGER"}))
    assert await list_api_keys(town.services, manager) == []
    with pytest.raises(Forbidden):
        await make(town, manager)
    assert await town.rows("api_key") == []


async def test_keys_made_side_by_side_all_differ(town):
    viewer = await town.viewer(await town.open())
    made = await asyncio.gather(*(make(town, viewer) for _ in range(10)))
    assert len({key.text for key in made}) == 10
    assert FULLER.email not in str(made)


def test_a_key_tells_whether_it_belongs_to_a_public_installation():
    assert environment_of("https://crm.northwind.example") == "live"
    assert environment_of("http://127.0.0.1:8400") == "local"

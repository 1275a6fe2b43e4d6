"""One-time codes of an app (RFC 6238) and recovery codes: set up, checked once each, switched off.

The app's secret lies encrypted under the installation's (JWE, AES-256-GCM, a key for each person). A code counts
for its step of 30 seconds and one before and after it, for clocks that differ; none counts twice, nor any of
an earlier step. Recovery codes have 120 random bits, so a plain hash keeps them (ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import pyotp
from joserfc import jwe
from joserfc.jwk import OctKey
from sqlalchemy import delete, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity.errors import SecondFactorMissing, SecondFactorPresent, WrongCode
from kedang_platform.identity.tables import recovery_code, second_factor
from kedang_platform.identity.tokens import hash_of
from kedang_platform.secrets import SecretKey

ISSUER: Final = "Kedang"
RECOVERY_CODES: Final = 10
_STEP: Final = 30
_DIGITS: Final = 6
_DRIFT: Final = 1
_PURPOSE: Final = "second_factor"
# Crockford's base 32: nothing that looks like something else, so a code can be copied from paper.
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP = 6, 4
_LOOKALIKES: Final = str.maketrans("OIL", "011", "- \t")
_SEALED: Final = {"alg": "dir", "enc": "A256GCM"}

Proof = Literal["app", "recovery"]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs: the secret in base 32, and the address (``otpauth:``) that a QR code of it shows."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether a person has one, since when, and how many recovery codes are left."""

    since: datetime | None
    recovery_codes_left: int


async def second_factor_of(read: ControlRead, *, person_id: UUID) -> SecondFactor:
    row = await read.fetchrow(
        """SELECT (SELECT confirmed_at FROM platform.second_factor WHERE person_id = $1) AS since,
                  (SELECT count(*) FROM platform.recovery_code WHERE person_id = $1 AND used_at IS NULL) AS codes""",
        person_id,
    )
    assert row is not None  # two scalars always make a row
    return SecondFactor(row["since"], row["codes"] if row["since"] else 0)


async def begin_enrolment(
    control: ControlTransaction, *, person_id: UUID, email: str, key: SecretKey, now: datetime
) -> Enrolment:
    """A fresh secret, which counts once a code of it was given; one that was begun before is void.

    Raises ``SecondFactorPresent``: who has one switches it off first.
    """
    secret = pyotp.random_base32()
    values = {"sealed": _seal(secret, person_id, key), "created_at": now, "last_step": None}
    begun = upsert(second_factor).values(person_id=person_id, confirmed_at=None, **values)
    begun = begun.on_conflict_do_update(
        index_elements=[second_factor.c.person_id],
        set_=values,
        where=second_factor.c.confirmed_at.is_(None),
    )
    if (await control.execute(begun)).rowcount != 1:
        raise SecondFactorPresent
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))


async def confirm_enrolment(
    control: ControlTransaction, *, person_id: UUID, code: str, key: SecretKey, now: datetime
) -> list[str]:
    """The app shows the right code, so from now on it is asked for; the recovery codes are told this once.

    Raises ``SecondFactorMissing`` (none was begun), ``SecondFactorPresent`` and ``WrongCode``.
    """
    row = await _locked(control, person_id)
    if row is None:
        raise SecondFactorMissing
    if row["confirmed_at"] is not None:
        raise SecondFactorPresent
    step = _step_of(row, code, person_id=person_id, key=key, now=now)
    if step is None:
        raise WrongCode
    await _store(control, person_id, confirmed_at=now, last_step=step)
    return await renew_recovery_codes(control, person_id=person_id, now=now)


async def renew_recovery_codes(control: ControlTransaction, *, person_id: UUID, now: datetime) -> list[str]:
    """Ten new codes, each for one sign-in without the app; the old ones are void."""
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    await control.execute(delete(recovery_code).where(recovery_code.c.person_id == person_id))
    rows = [{"person_id": person_id, "code_hash": hash_of(_plain(code)), "created_at": now} for code in codes]
    await control.execute(insert(recovery_code), rows)
    return codes


async def prove(
    control: ControlTransaction, *, person_id: UUID, code: str, key: SecretKey, now: datetime
) -> Proof:
    """Use a code of the app or a recovery code up; raises ``WrongCode``, also for one that was used before."""
    row = await _locked(control, person_id)
    if row is None or row["confirmed_at"] is None:
        raise WrongCode
    step = _step_of(row, code, person_id=person_id, key=key, now=now)
    if step is not None:
        await _store(control, person_id, last_step=step)
        return "app"
    table = recovery_code.c
    used = update(recovery_code).where(
        table.person_id == person_id, table.code_hash == hash_of(_plain(code)), table.used_at.is_(None)
    )
    if (await control.execute(used.values(used_at=now))).rowcount != 1:
        raise WrongCode
    return "recovery"


async def switch_off(control: ControlTransaction, *, person_id: UUID) -> None:
    """No second factor any more; raises ``SecondFactorMissing``."""
    gone = delete(second_factor).where(
        second_factor.c.person_id == person_id, second_factor.c.confirmed_at.is_not(None)
    )
    if (await control.execute(gone)).rowcount != 1:
        raise SecondFactorMissing
    await control.execute(delete(recovery_code).where(recovery_code.c.person_id == person_id))


async def has_second_factor(read: ControlRead, *, person_id: UUID) -> bool:
    """Whether the person's sign-in takes a code."""
    found = await read.fetchval(
        "SELECT 1 FROM platform.second_factor WHERE person_id = $1 AND confirmed_at IS NOT NULL", person_id
    )
    return found is not None


async def _locked(control: ControlTransaction, person_id: UUID) -> Any:
    return await control.fetchrow(
        "SELECT sealed, confirmed_at, last_step FROM platform.second_factor WHERE person_id = $1 FOR UPDATE",
        person_id,
    )


async def _store(control: ControlTransaction, person_id: UUID, **values: object) -> None:
    await control.execute(
        update(second_factor).where(second_factor.c.person_id == person_id).values(**values)
    )


def _step_of(row: Any, code: str, *, person_id: UUID, key: SecretKey, now: datetime) -> int | None:
    """The time step whose code was given, where it lies within the drift and after the last that was taken."""
    given = "".join(code.split())
    if len(given) != _DIGITS or not (given.isascii() and given.isdigit()):
        return None
    app = pyotp.TOTP(_unseal(row["sealed"], person_id, key), digits=_DIGITS, interval=_STEP)
    today = int(now.timestamp()) // _STEP
    last = -1 if row["last_step"] is None else row["last_step"]
    steps = range(max(today - _DRIFT, last + 1), today + _DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(app.generate_otp(step), given)), None)


def _new_code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP))


def _plain(code: str) -> str:
    """A code without what people add or mistake when they copy it."""
    return code.strip().upper().translate(_LOOKALIKES)


def _key(person_id: UUID, key: SecretKey) -> OctKey:
    return OctKey.import_key(key.mac(_PURPOSE, person_id.bytes))


def _seal(secret: str, person_id: UUID, key: SecretKey) -> bytes:
    return jwe.encrypt_compact(_SEALED, secret.encode(), _key(person_id, key)).encode()


def _unseal(sealed: bytes, person_id: UUID, key: SecretKey) -> str:
    opened = jwe.decrypt_compact(bytes(sealed).decode(), _key(person_id, key))
    assert opened.plaintext is not None  # a sealed text has one
    return opened.plaintext.decode()

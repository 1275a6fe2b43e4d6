"""The providers of an installation: what their discovery documents say, their keys, and codes turned into tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kedang_platform.identity.openid.errors import ProviderUnknown, ProviderUnreachable
from kedang_platform.settings import OpenIdProvider

DISCOVERY: Final = "/.well-known/openid-configuration"
_METADATA_SECONDS: Final = 3600.0
_KEYS_SECONDS: Final = 60.0
_TIMEOUT: Final = 10.0
_LARGEST: Final = 256 * 1024


class CodeRefused(Exception):
    """The provider gave no token for the code; says why, for the log only."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of the discovery document is used (OpenID Connect Discovery 1.0, 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    secret_by_form: bool
    tells_issuer: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was worth: ``identity`` proves who somebody is, ``access`` may ask for more about them."""

    identity: str = field(repr=False)
    access: str | None = field(repr=False)


class Provider:
    """One provider: its documents are fetched when they are needed, and kept for an hour."""

    def __init__(self, given: OpenIdProvider, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self.given = given
        self._seconds = seconds
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._fetching = asyncio.Lock()

    async def address(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str, language: str
    ) -> str:
        """Where the browser goes to prove who sits before it. Raises ``ProviderUnreachable``."""
        metadata = await self.metadata()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.given.client_id,
                "redirect_uri": redirect_uri,
                "scope": self.given.scopes,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
                "ui_locales": language,
            }
        )
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{query}"

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code. Raises ``CodeRefused`` and ``ProviderUnreachable``."""
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, form = self._authenticated(form, by_form=metadata.secret_by_form)
        status, answer = await self._call(
            "POST", metadata.token_endpoint, headers=headers, content=urlencode(form).encode()
        )
        token = answer.get("id_token")
        if status != httpx.codes.OK or not isinstance(token, str):
            raise CodeRefused(f"{status} {str(answer.get('error', 'no id_token'))[:100]}")
        access = answer.get("access_token")
        return Tokens(token, access if isinstance(access, str) else None)

    async def about(self, access: str) -> Mapping[str, Any]:
        """What the provider's UserInfo endpoint says (OpenID Connect Core 1.0, 5.3); empty where it says nothing.

        Only who has compared its ``sub`` with the ID token's may believe it.
        """
        endpoint = (await self.metadata()).userinfo_endpoint
        if endpoint is None:
            return {}
        status, answer = await self._call("GET", endpoint, headers={"authorization": f"Bearer {access}"})
        return answer if status == httpx.codes.OK else {}

    async def keys(self, *, kid: str | None) -> KeySet:
        """The provider's keys. An unknown ``kid`` makes them be fetched anew, at most once a minute."""
        async with self._fetching:
            if self._keys is not None:
                since, known = self._keys
                age = self._seconds() - since
                listed = kid is None or any(key.kid == kid for key in known)
                if age < _KEYS_SECONDS or (listed and age < _METADATA_SECONDS):
                    return known
            metadata = await self._known_metadata()
            _, answer = await self._call("GET", metadata.jwks_uri)
            try:
                found = KeySet.import_key_set(_signing_keys(answer))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise self._unreachable() from error
            self._keys = (self._seconds(), found)
            return found

    async def metadata(self) -> Metadata:
        """What discovery says, at most an hour old. Raises ``ProviderUnreachable``."""
        async with self._fetching:
            return await self._known_metadata()

    async def _known_metadata(self) -> Metadata:
        if self._metadata is None or self._seconds() - self._metadata[0] >= _METADATA_SECONDS:
            status, answer = await self._call("GET", self.given.issuer.rstrip("/") + DISCOVERY)
            if status != httpx.codes.OK or answer.get("issuer") != self.given.issuer:
                raise self._unreachable()
            self._metadata = (self._seconds(), self._read(answer))
        return self._metadata[1]

    def _read(self, answer: Mapping[str, Any]) -> Metadata:
        schemes = {"https", urlsplit(self.given.issuer).scheme}

        def address(name: str) -> str:
            found = answer.get(name)
            if not isinstance(found, str) or urlsplit(found).scheme not in schemes:
                raise self._unreachable()
            return found

        methods = answer.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Metadata(
            authorization_endpoint=address("authorization_endpoint"),
            token_endpoint=address("token_endpoint"),
            jwks_uri=address("jwks_uri"),
            userinfo_endpoint=address("userinfo_endpoint") if "userinfo_endpoint" in answer else None,
            secret_by_form="client_secret_basic" not in methods,
            tells_issuer=answer.get("authorization_response_iss_parameter_supported") is True,
        )

    def _authenticated(self, form: dict[str, str], *, by_form: bool) -> tuple[dict[str, str], dict[str, str]]:
        """Who we are, as RFC 6749 2.3.1 has it: in the header, or in the form where only that is taken."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        client_id = self.given.client_id
        if self.given.client_secret is None:
            return headers, {**form, "client_id": client_id}
        secret = self.given.client_secret.get_secret_value()
        if by_form:
            return headers, {**form, "client_id": client_id, "client_secret": secret}
        basic = httpx.BasicAuth(quote(client_id, safe=""), quote(secret, safe=""))
        request = next(basic.auth_flow(httpx.Request("POST", self.given.issuer)))
        return {**headers, "authorization": request.headers["authorization"]}, form

    async def _call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object. Nothing is followed, no proxy used, at most 256 KB and ten seconds taken."""
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT) as client,
                client.stream(
                    method, url, headers={"accept": "application/json", **(headers or {})}, content=content
                ) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise self._unreachable()
                found = orjson.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            raise self._unreachable() from error
        if not isinstance(found, dict):
            raise self._unreachable()
        return answer.status_code, found

    def _unreachable(self) -> ProviderUnreachable:
        return ProviderUnreachable(provider=self.given.name)


def _signing_keys(answer: Mapping[str, Any]) -> Any:
    """The public keys for signatures; kinds of keys that are unknown here are left out, as RFC 7517 5 asks."""
    keys = [
        key
        for key in answer["keys"]
        if isinstance(key, dict) and key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"
    ]
    return {"keys": keys}


class Providers:
    """All providers of the installation, in the order in which the operator named them."""

    def __init__(self, given: Sequence[OpenIdProvider]) -> None:
        self._providers = {provider.key: Provider(provider) for provider in given}

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._providers.values())

    def __getitem__(self, key: str) -> Provider:
        """Raises ``ProviderUnknown``."""
        try:
            return self._providers[key]
        except KeyError:
            raise ProviderUnknown from None

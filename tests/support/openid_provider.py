"""A small OpenID Connect provider on a port of this machine, which can also be made to misbehave.

The certified one that people really run is asked in ``make test-clients``; what no honest provider
does (a wrong nonce, another's audience, a token without signature) only this one does.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT, SECRET = "kedang", "a secret & more"
KEYS = {name: RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("first", "stranger")}


@dataclass
class TestProvider:
    """``account`` is who sits before it; ``claims`` and the others say how its next tokens differ from honest ones."""

    __test__ = False

    url: str = ""
    account: dict = field(default_factory=lambda: {"sub": "fuller-1"})
    claims: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)
    signed_by: object = None
    tells_issuer: bool = True
    userinfo: dict | None = None
    codes: dict = field(default_factory=dict)
    fetched: list = field(default_factory=list)

    def app(self):
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
                Route("/about", self._about),
            ]
        )

    async def _discovery(self, _request):
        self.fetched.append("discovery")
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "authorization_response_iss_parameter_supported": self.tells_issuer,
            }
            | ({"userinfo_endpoint": f"{self.url}/about"} if self.userinfo is not None else {})
        )

    async def _keys(self, _request):
        self.fetched.append("keys")
        return JSONResponse(KeySet([KEYS["first"]]).as_dict(private=False))

    async def _about(self, _request):
        return JSONResponse(self.userinfo)

    async def _authorize(self, request):
        asked = request.query_params
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(asked)
        back = {"code": code, "state": asked["state"]} | ({"iss": self.url} if self.tells_issuer else {})
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request):
        basic = base64.b64encode(b"kedang:a%20secret%20%26%20more").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self.token(asked["nonce"]), "access_token": "for /about"})

    def token(self, nonce):
        now = int(time.time())
        honest = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {n: v for n, v in (honest | self.account | self.claims).items() if v is not None}
        header = {"alg": "RS256", "kid": "first"} | self.header
        if header["alg"] == "none":
            return ".".join(_part(part) for part in (header, claims)) + "."
        if header["alg"] == "HS256":
            key = OctKey.import_key(SECRET.encode().ljust(32, b"0"))
            return jwt.encode(header, claims, key, algorithms=["HS256"])
        return jwt.encode(header, claims, self.signed_by or KEYS["first"])


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@asynccontextmanager
async def running_provider():
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    provider = TestProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        await serving

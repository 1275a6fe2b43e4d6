"""The three login roles of an installation and the addresses they log in by."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.secrets import SecretKey, load_secret_key
from kedang_platform.settings import Settings


class ServersUnknown(KedangError):
    """The process was not told where its servers are."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of one installation; roles belong to the cluster, so each installation has its prefix.

    ``owner`` owns every schema and changes them, ``control`` works in ``platform`` and ``work``,
    ``app`` owns nothing, inherits nothing and becomes a company's role for one transaction;
    ``tenant`` is the group of all companies' roles and can reach the companies' own jobs.
    """

    prefix: str

    @property
    def owner(self) -> str:
        return f"{self.prefix}_owner"

    @property
    def control(self) -> str:
        return f"{self.prefix}_control"

    @property
    def app(self) -> str:
        return f"{self.prefix}_app"

    @property
    def tenant(self) -> str:
        return f"{self.prefix}_tenant"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database, as each of the three login roles reaches it (``postgresql://`` URLs of libpq's form)."""

    owner: str
    control: str
    app: str

    @property
    def roles(self) -> Roles:
        return Roles((urlsplit(self.owner).username or "").removesuffix("_owner"))


def role_password(secret: SecretKey, role: str) -> str:
    """The password of ``role``, derived from the installation's secret, so that only that one is stored."""
    return secret.mac("database role", role.encode()).hex()


def database_urls(superuser_url: str, *, secret: SecretKey, prefix: str = "kedang") -> DatabaseUrls:
    """The addresses that ``provision`` made for this database, secret and prefix; nothing is contacted."""
    roles = Roles(prefix)
    return DatabaseUrls(
        owner=_as_role(superuser_url, roles.owner, secret),
        control=_as_role(superuser_url, roles.control, secret),
        app=_as_role(superuser_url, roles.app, secret),
    )


def urls_of(settings: Settings) -> DatabaseUrls:
    """The addresses of the main database of the installation that ``settings`` name; raises ServersUnknown."""
    if settings.database_url is None:
        raise ServersUnknown(msg("KEDANG_DATABASE_URL is not set."))
    secret = load_secret_key(settings)
    return database_urls(settings.database_url, secret=secret, prefix=settings.role_prefix)


def database_name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def _as_role(url: str, role: str, secret: SecretKey) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{quote(role)}:{role_password(secret, role)}"
    return urlunsplit(parts._replace(netloc=f"{login}@{address}"))

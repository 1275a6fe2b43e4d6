"""What an operator can set. Read once by the composition root and handed on, never read at import."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Currency: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Price: TypeAlias = Annotated[int, Field(gt=0, le=1_000_000_000)]
Country: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Percent: TypeAlias = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
Series: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,9}$")]


class OpenIdProvider(BaseModel):
    """Who people may prove themselves with (OpenID Connect); ``issuer`` as its discovery document spells it.

    ``trusts_email``: an address that the provider calls verified is taken for proof of who one is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    name: str = Field(min_length=1, max_length=40)
    issuer: str = Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])(:|/|$))")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    scopes: str = "openid email profile"
    trusts_email: bool = True


class Settings(BaseSettings):
    """Every setting is an environment variable ``KEDANG_<NAME>``; the defaults run on one machine as it is."""

    model_config = SettingsConfigDict(env_prefix="KEDANG_", extra="ignore")

    var: Path = Field(default=Path("var"), description="Folder of everything that must outlive a restart.")
    host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(default=8400, ge=1, le=65535, description="Port the gateway listens on.")
    public_url: str | None = Field(
        default=None, description="Address people reach the gateway by; in every link."
    )

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL >= 15 of one's own, as a role that may create roles and schemas.",
    )
    redis_url: str | None = Field(default=None, description="Valkey or Redis >= 6.2 of one's own.")
    postgres_port: int | None = Field(
        default=None, description="Port of the embedded PostgreSQL (default port+1)."
    )
    valkey_port: int | None = Field(default=None, description="Port of the embedded Valkey (default port+2).")

    tenant_roles: Literal["role", "none"] = Field(
        default="role", description="Whether each company has a database role of its own."
    )
    role_prefix: str = Field(
        default="kedang",
        pattern=r"^[a-z][a-z0-9_]{0,40}$",
        description="Start of the database roles' names; each installation of a cluster has its own.",
    )
    pool_size: int = Field(default=4, ge=1, le=100, description="Backends per pool and process.")
    statement_timeout: float = Field(
        default=30.0, gt=0, description="Seconds a statement of a request may take."
    )
    lock_timeout: float = Field(default=5.0, gt=0, description="Seconds a statement waits for a lock.")
    idle_in_transaction_timeout: float = Field(
        default=60.0, gt=0, description="Seconds a transaction may lie idle before the database ends it."
    )
    spare_schemas: int = Field(default=5, ge=0, description="Company schemas kept ready for sign-ups.")
    free_seats: int = Field(default=2, ge=2, description="Full seats that every company has free for ever.")
    seat_prices: dict[Currency, tuple[Price, Price]] = Field(
        default={"CNY": (4900, 49000), "USD": (900, 9000), "EUR": (900, 9000)},
        min_length=1,
        description="Price of a further seat by currency, in minor units for a month and for a year, as JSON;"
        " a company of another currency pays in the first.",
    )
    seats_on_credit: int = Field(
        default=20,
        ge=0,
        description="Seats that a company may add before it has paid their invoices; further ones wait for payment.",
    )
    bank_account: str | None = Field(
        default=None, description="Where seats are paid to, as the buyer is told: name, bank, account."
    )
    seller_name: str = Field(default="Kedang", max_length=200, description="Who sells seats, on invoices.")
    seller_address: str | None = Field(
        default=None, max_length=500, description="Address of who sells seats, on invoices."
    )
    seller_tax_number: str | None = Field(
        default=None, max_length=50, description="Tax number of who sells seats, on invoices."
    )
    seller_email: str | None = Field(
        default=None, max_length=320, description="Where buyers ask about an invoice, on invoices."
    )
    seller_time_zone: str = Field(
        default="Asia/Shanghai",
        description="Time zone of who sells seats: it says the day and year of an invoice.",
    )
    tax_rates: dict[Country, Percent] = Field(
        default={},
        description="Tax in percent by the buyer's country, as JSON; it is added to prices, and where no rate is"
        " said there is no tax.",
    )
    invoice_series: Series = Field(default="INV", description="Start of the numbers of invoices.")
    credit_note_series: Series = Field(default="CN", description="Start of the numbers of credit notes.")
    invoice_days: int = Field(
        default=14, ge=0, le=365, description="Days in which an invoice of ordered seats is to be paid."
    )
    second_operator_above: dict[Currency, Annotated[int, Field(ge=0)]] = Field(
        default={},
        description="Minor units by currency, as JSON, above which a transfer counts only when a second operator"
        " has confirmed it; no limit where none is said.",
    )

    smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp:// or smtps:// address of the mail server; unset keeps mails in var/mail.",
    )
    mail_from: str = Field(
        default="Kedang <no-reply@kedang.example>", description="Sender of the product's mails."
    )
    mail_domains: dict[str, tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")], ...]] = Field(
        default={},
        description="Domains that companies may send mails from, as JSON by the handle of the company in its links:"
        ' {"abc…": ["northwind.example"]}; other companies send from the address in `mail_from`.',
    )
    bounce_address: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,20}@[A-Za-z0-9.-]+$",
        description="Address that mails which do not arrive come back to, such as bounces@mail.example: each mail"
        " gets one of its own from it (bounces+…@mail.example). Unset lets them come back to `mail_from`, unread.",
    )
    bounce_listen: str | None = Field(
        default=None,
        pattern=r"^(smtp|lmtp)://([^/:@]+|\[[0-9a-f:]+\]):[0-9]{1,5}$",
        description="Where `kedang up` takes mails that come back: smtp://127.0.0.1:2525, or lmtp:// for LMTP; without"
        " it the mail server hands them to `kedang mail bounce`.",
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Key of signed links; unset makes one in var/secret at the first start."
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed;"
        " without it everybody behind a proxy shares the limits of one address.",
    )
    outgoing_allowed: str | None = Field(
        default=None,
        description="Networks (CIDR, separated by commas) that are not public and that webhooks may call all the"
        " same, there also by plain http.",
    )
    openid_providers: tuple[OpenIdProvider, ...] = Field(
        default=(),
        max_length=10,
        description="OpenID Connect providers that people may sign in with, as JSON: a list of objects with key, name,"
        " issuer, client_id, client_secret and, where an address they call verified is no proof, trusts_email: false.",
    )
    companies_per_person: int = Field(
        default=10, ge=1, description="Companies that one person may open; a limit against abuse."
    )
    sign_ups_per_hour: int = Field(
        default=20, ge=1, description="Sign-ups an hour that one address may ask for; a limit against abuse."
    )
    session_days: int = Field(
        default=30, ge=1, le=365, description="Days after which a session ends, however much it is used."
    )
    session_idle_hours: int = Field(
        default=168, ge=1, le=8760, description="Hours without a request after which a session ends."
    )
    password_range_url: str | None = Field(
        default=None,
        description="Address of a service that tells breached passwords by the first five digits of their SHA-1, in"
        " the shape of Have I Been Pwned's range API; the digits are appended. Without it only the list that the"
        " product brings along is asked.",
    )
    cost_points: int = Field(
        default=2000,
        ge=1,
        description="Points that a credential may spend on API requests at once; see the guide of the API.",
    )
    cost_points_per_second: float = Field(
        default=200.0, gt=0, description="Points by which they fill up again each second."
    )
    largest_page: int = Field(
        default=250, ge=1, le=1000, description="Records that one page of a list in the API may hold."
    )
    body_timeout: float = Field(
        default=30.0, gt=0, description="Seconds within which the body of an API request must have arrived."
    )
    live_connections: int = Field(
        default=20, ge=1, description="WebSockets that a credential may have open in a gateway process."
    )
    live_strangers: int = Field(
        default=100,
        ge=1,
        description="WebSockets of one address, in a gateway process, that have not said yet who they are.",
    )
    live_operations: int = Field(
        default=50,
        ge=1,
        description="Subscriptions and other operations under way that a WebSocket may have.",
    )
    live_backlog: int = Field(
        default=1_048_576,
        ge=1024,
        description="Bytes that may wait for a client that reads its WebSocket too slowly, before it is closed.",
    )
    live_init_timeout: float = Field(
        default=10.0, gt=0, description="Seconds in which a WebSocket must say who it is."
    )
    slow_sql_seconds: float = Field(
        default=0.5,
        gt=0,
        description="Seconds of SQL from which an API operation gets its slowness explained.",
    )
    measuring_interval: float = Field(
        default=30.0, gt=0, description="Seconds after which it is written down what API operations took."
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token with which `/metrics` may be read; without one there is no such page.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port at which relay, scheduler, workers and the others without HTTP tell `/metrics`, `/livez` and"
        " `/readyz`; `kedang up` gives it to the first and counts on. Without one they tell nothing.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address that this port is opened at; beyond this machine only with KEDANG_METRICS_TOKEN.",
    )
    log_format: Literal["json", "console"] | None = Field(
        default=None,
        description="How processes log to standard error: one JSON object a line, or lines for people; unset means"
        " for people on a terminal, else JSON.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="From which level on lines are logged; `debug` also tells each operation and job that went well.",
    )
    otlp_endpoint: SecretStr | None = Field(
        default=None,
        description="Full address that traces are sent to by OTLP over HTTP, such as http://collector:4318/v1/traces;"
        " without one none are made.",
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        le=300,
        description="Seconds that a gateway told to stop goes on serving after `/readyz` says no, for a load balancer"
        " to notice.",
    )
    backup_dir: Path | None = Field(
        default=None,
        description="Folder, best on another disk, that the embedded servers are saved into; unset saves nothing.",
    )
    backup_at: time = Field(default=time(2, 30), description="Time of day (UTC) of the daily base backup.")
    backup_keep: int = Field(
        default=7, ge=1, description="Base backups that are kept, each with the log up to the next."
    )
    deletion_grace_days: int = Field(
        default=30, ge=0, description="Days in which the owner of a company can take its deletion back."
    )
    workers: int = Field(default=1, ge=1, description="Worker processes that `make up` starts.")
    worker_threads: int = Field(default=4, ge=1, description="Jobs that a worker process runs side by side.")
    demo: bool = Field(default=True, description="Whether the first start builds the demonstration company.")

    @field_validator("seller_time_zone")
    @classmethod
    def _seller_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError("not a time zone such as Asia/Shanghai") from None
        return value

    @field_validator("outgoing_allowed")
    @classmethod
    def _networks(cls, value: str | None) -> str | None:
        """The message never repeats what was set."""
        try:
            for part in (value or "").split(","):
                if part.strip():
                    ip_network(part.strip())
        except ValueError:
            raise ValueError("not networks in CIDR notation, separated by commas") from None
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
            raise ValueError("a mail server is written smtp://host:port or smtps://host:port")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("an address is written http://host:4318/v1/traces")
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        parts = urlsplit(value) if value else None
        if parts and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("an address is written https://host")
        return value

    @property
    def base_url(self) -> str:
        """The address in links: ``public_url``, or the loopback address the gateway listens on."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

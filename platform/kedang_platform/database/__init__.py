"""The way to the database: three roles, their pools, and transactions that belong to one company."""

from kedang_platform.database.company import CompanyRef
from kedang_platform.database.databases import Databases
from kedang_platform.database.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    StatementTimeout,
    WallError,
)
from kedang_platform.database.transactions import (
    ControlRead,
    ControlTransaction,
    TenantRead,
    TenantWrite,
)
from kedang_platform.database.urls import DatabaseUrls, Roles, ServersUnknown, database_urls, urls_of

__all__ = [
    "CompanyRef",
    "ControlRead",
    "ControlTransaction",
    "DatabaseBusy",
    "DatabaseUnavailable",
    "DatabaseUrls",
    "Databases",
    "Roles",
    "ServersUnknown",
    "StatementTimeout",
    "TenantRead",
    "TenantWrite",
    "WallError",
    "database_urls",
    "urls_of",
]

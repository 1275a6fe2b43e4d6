"""Every table of the shared schemas: importing this makes both metadata complete, for migrations."""

from kedang_platform.database.metadata import platform_metadata, work_metadata
from kedang_platform.identity import tables as identity
from kedang_platform.identity.openid import tables as openid
from kedang_platform.licensing import invoice_tables as books
from kedang_platform.licensing import tables as licensing
from kedang_platform.mail import tables as mail
from kedang_platform.registry import tables as registry
from kedang_platform.work import tables as work

__all__ = [
    "books",
    "identity",
    "licensing",
    "mail",
    "openid",
    "platform_metadata",
    "registry",
    "work",
    "work_metadata",
]

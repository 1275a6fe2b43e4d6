"""What both servers share with the gateway: the same pool, opener, role and process."""

import os
import sys
from uuid import UUID

import uvicorn
from starlette.applications import Starlette

from kedang_graphql.services import Services
from kedang_platform.database import CompanyRef, Databases
from kedang_platform.settings import Settings


async def open_databases() -> Databases:
    services = await Services.open(Settings())
    services.identity.close()
    return services.databases


def bench_company() -> CompanyRef:
    return CompanyRef(UUID(os.environ["BENCH_COMPANY"]), os.environ["BENCH_SCHEMA"])


def run(app: Starlette) -> None:
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )

"""The usual way: Strawberry with typed ORM models, selectinload, parser and validation cache, orjson."""

from contextlib import asynccontextmanager
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
from starlette.applications import Starlette
from starlette.routing import Mount
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from tests.bench.servers.common import bench_company, open_databases, run

COMPANY = bench_company()
STATE = {}


class Base(DeclarativeBase):
    pass


class MemberRow(Base):
    __tablename__ = "member"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class ContactRow(Base):
    __tablename__ = "contact"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    name: Mapped[str]
    name_sort: Mapped[str]
    phone: Mapped[str | None]


class CustomerRow(Base):
    __tablename__ = "customer"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str | None]
    name: Mapped[str]
    name_sort: Mapped[str]
    city: Mapped[str | None]
    state: Mapped[str]
    archived_at: Mapped[str | None]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id"))
    owner: Mapped[MemberRow | None] = relationship(lazy="raise")
    contacts: Mapped[list[ContactRow]] = relationship(
        lazy="raise", order_by=(ContactRow.name_sort, ContactRow.id)
    )


@strawberry.type
class Member:
    name: str


@strawberry.type
class Contact:
    name: str
    phone: str | None


@strawberry.type
class ContactConnection:
    nodes: list[Contact]


@strawberry.type
class Customer:
    number: str | None
    name: str
    city: str | None
    state: str
    owner: Member | None

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID("cus_" + self.row.id.hex)

    @strawberry.field
    def contacts(self) -> ContactConnection:
        return ContactConnection(nodes=[Contact(name=c.name, phone=c.phone) for c in self.row.contacts])

    row: strawberry.Private[CustomerRow]


@strawberry.type
class CustomerConnection:
    nodes: list[Customer]


def shown(row: CustomerRow) -> Customer:
    owner = None if row.owner is None else Member(name=row.owner.name)
    return Customer(number=row.number, name=row.name, city=row.city, state=row.state, owner=owner, row=row)


@strawberry.type
class Query:
    @strawberry.field
    async def customers(self, first: int) -> CustomerConnection:
        async with STATE["databases"].tenant_write(COMPANY) as tx:
            session = AsyncSession(bind=tx._connection, join_transaction_mode="rollback_only")
            rows = (
                await session.scalars(
                    select(CustomerRow)
                    .where(CustomerRow.archived_at.is_(None))
                    .options(joinedload(CustomerRow.owner), selectinload(CustomerRow.contacts))
                    .order_by(CustomerRow.name_sort, CustomerRow.id)
                    .limit(first)
                )
            ).all()
            return CustomerConnection(nodes=[shown(row) for row in rows])


class OrjsonGraphQL(GraphQL):
    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


@asynccontextmanager
async def lifespan(app):
    STATE["databases"] = await open_databases()
    yield
    await STATE["databases"].close()


if __name__ == "__main__":
    parsed, validated = ParserCache(maxsize=100), ValidationCache(maxsize=100)
    schema = strawberry.Schema(Query, extensions=[lambda: parsed, lambda: validated])
    run(Starlette(routes=[Mount("/graphql", OrjsonGraphQL(schema))], lifespan=lifespan))

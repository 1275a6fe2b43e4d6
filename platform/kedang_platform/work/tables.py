"""The tables of work that is done later: outbox, timer, retry and dead letter are one row each.

A job lies in the database of its company, so that it is written in the transaction of the change
that asks for it. ``tenant`` is the company's schema and role; it is empty for the installation's
own jobs. Instants that processes compare with each other (leases, queueing, ends) are the
database's clock; ``due_at`` is the product's clock.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kedang_platform.database.metadata import work_metadata

STATES = ("waiting", "queued", "running", "done", "failed", "cancelled")
INSTALLATION = ""
"""``tenant`` of a job that belongs to no company; no role bears this name."""

_INSTANT = DateTime(timezone=True)
_WAITING = text("state = 'waiting'")
_FAILED = text("state = 'failed'")
_IN_FLIGHT = text("state IN ('queued', 'running')")

job = Table(
    "job",
    work_metadata,
    Column("id", Uuid, primary_key=True),
    Column("company", Uuid),
    Column("tenant", Text(collation="C"), nullable=False),
    Column("kind", Text(collation="C"), nullable=False),
    Column("key", Text(collation="C")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_at", _INSTANT, nullable=False, server_default=text("'-infinity'")),
    Column("state", Text(collation="C"), nullable=False, server_default=text("'waiting'")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
    Column("checkpoint", JSONB),
    Column("progress_done", BigInteger),
    Column("progress_total", BigInteger),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("result", JSONB),
    Column("error_code", Text(collation="C")),
    Column("error_message", Text(collation="C")),
    Column("error_params", JSONB),
    Column("error_detail", Text(collation="C")),
    Column("created_at", _INSTANT, nullable=False, server_default=text("now()")),
    Column("queued_at", _INSTANT),
    Column("lease_until", _INSTANT),
    Column("finished_at", _INSTANT),
    # Work of the installation that takes its turns among a company's: the company neither sees nor asks for it.
    Column("installation", Boolean, nullable=False, server_default=text("false")),
    # Whence it was asked for, as W3C's traceparent; null where no traces are made.
    Column("trace", Text(collation="C")),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in STATES)), name="state"),
    # The key is unique within its company: another company's key can neither clash nor be felt.
    Index("job_key", "tenant", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
    # What the relay walks: company by company, urgent first, then by the instant it falls due.
    Index("job_waiting", "tenant", "priority", "due_at", "id", postgresql_where=_WAITING),
    # What it deals from: a channel that is full is passed by, whatever waits in it.
    Index("job_waiting_kind", "tenant", "kind", "priority", "due_at", "id", postgresql_where=_WAITING),
    Index("job_in_flight", "tenant", "state", postgresql_where=_IN_FLIGHT),
    Index("job_failed", "tenant", "id", postgresql_where=_FAILED),
    Index("job_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    comment="Work to be done later; written in the transaction that asks for it.",
)

lane = Table(
    "lane",
    work_metadata,
    Column("tenant", Text(collation="C"), primary_key=True),
    Column("served_at", _INSTANT, nullable=False),
    Column("turns", BigInteger, nullable=False, server_default=text("0")),
    comment="When each company was last given a turn; the one that waits longest is next.",
)

replay = Table(
    "replay",
    work_metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, nullable=False, index=True),
    Column("tenant", Text(collation="C"), nullable=False),
    # The member who asked; null where the operator of the installation did.
    Column("member_id", Uuid),
    Column("replayed_at", _INSTANT, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failed_at", _INSTANT),
    Column("error_code", Text(collation="C")),
    comment="Each time a job that had failed for good was begun anew: by whom, and what it had failed of.",
)

occurrence = Table(
    "occurrence",
    work_metadata,
    Column("rule", Text(collation="C"), primary_key=True),
    Column("tenant", Text(collation="C"), primary_key=True),
    Column("latest", _INSTANT, nullable=False),
    comment="The latest occurrence of each recurring rule that has been made a job.",
)

GRANTS = (
    "GRANT USAGE ON SCHEMA work TO {control}, {tenants}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON work.job, work.lane, work.occurrence, work.replay TO {control}",
    "GRANT SELECT, INSERT ON work.job TO {tenants}",
    (
        "GRANT UPDATE (state, checkpoint, progress_done, progress_total, cancel_requested, result,"
        " lease_until, finished_at) ON work.job TO {tenants}"
    ),
)
"""Rights, one statement each: ``{control}`` is the control role, ``{tenants}`` the group of all companies'
roles; both are replaced by quoted role names."""

POLICIES = (
    "DROP POLICY IF EXISTS job_of_control ON work.job",
    "DROP POLICY IF EXISTS job_of_company ON work.job",
    "DROP POLICY IF EXISTS job_of_shared_role ON work.job",
    "ALTER TABLE work.job ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY job_of_control ON work.job TO {control} USING (true) WITH CHECK (true)",
    (
        "CREATE POLICY job_of_company ON work.job TO {tenants}"
        " USING (tenant = current_user AND NOT installation) WITH CHECK (tenant = current_user AND NOT installation)"
    ),
)
"""A company's role sees, adds and changes its own jobs only; placeholders as in ``GRANTS``. May be repeated."""

SHARED_ROLE_POLICY = (
    "CREATE POLICY job_of_shared_role ON work.job TO {app}"
    " USING (tenant = current_schema() AND NOT installation)"
    " WITH CHECK (tenant = current_schema() AND NOT installation)"
)
"""In place of ``job_of_company`` where companies have no roles of their own: the opened schema decides."""

"""audit: salts and digests of entries, and the seals that chain them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Entries that a release before wrote get theirs now. A subquery, since each salt is used twice.
_SALTED = """
UPDATE audit SET salt = made.salt, digest = sha256(made.salt || convert_to(changes::text, 'UTF8'))
FROM (SELECT sequence AS number, uuid_send(gen_random_uuid()) AS salt FROM audit) AS made
WHERE sequence = made.number"""


def upgrade() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
    )
    op.add_column("audit", sa.Column("salt", sa.LargeBinary(), nullable=True))
    op.add_column("audit", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_audit_seal_minute"), "audit_seal", ["minute"], unique=False)
    op.create_index("ix_audit_actor_id_sequence", "audit", ["actor_id", "sequence"], unique=False)
    op.execute(_SALTED)

"""An alert is what the catalog says of an object, to one channel, and whether it arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ACCOUNT = ("channel", "kind", "state", "batch", "error")


def upgrade() -> None:
    # Every detection that was announced to the curators is in their queue, and was so since there is one.
    op.drop_table("alert")
    op.create_table(
        "alert_channel",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "format", "min_status")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("min_score", "min_abs_significance")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("updates", "ask", "is_open")),
        sa.PrimaryKeyConstraint("name", name="pk_alert_channel"),
    )
    op.create_table(
        "announcement",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("entry", "points", "reasons")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "version", name="pk_announcement"),
    )
    op.create_table(
        "alert",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _ACCOUNT),
        sa.Column("n_attempts", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in ("try_after", "settled_at")),
        sa.PrimaryKeyConstraint("entry_id", "version", "channel", name="pk_alert"),
        sa.ForeignKeyConstraint(
            ["entry_id", "version"],
            ["announcement.entry_id", "announcement.version"],
            name="fk_alert_entry_id_version",
        ),
    )
    op.create_index("ix_alert_channel_state_raised_at", "alert", ["channel", "state", "raised_at"])
    op.create_index("ix_alert_batch", "alert", ["batch"])


def downgrade() -> None:
    for table in ("alert", "announcement", "alert_channel"):
        op.drop_table(table)
    op.create_table(
        "alert",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("detection_id", "channel")),
        sa.Column("score", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("detection_id", "channel", name="pk_alert"),
    )
    op.create_index("ix_alert_channel_score", "alert", ["channel", "score"])
    # What was announced was queued with its score.
    items, alerts = (
        sa.table(name, sa.column("detection_id"), sa.column("score"), *more)
        for name, more in (("review_item", ()), ("alert", (sa.column("channel"),)))
    )
    queued = sa.select(items.c.detection_id, sa.literal("review"), items.c.score).where(items.c.score.is_not(None))
    op.execute(sa.insert(alerts).from_select(["detection_id", "channel", "score"], queued))

"""Votes say more, detections wait in a queue of their own, curators hold what they got, and some answers are known."""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TEXT, INTEGER, TIME = sa.Text(), sa.BigInteger(), sa.DateTime(timezone=True)
NUMBER: sa.Double[float] = sa.Double()
ORDERS = ("score", "uncertainty", "anomaly", "disagreement")
BATCH = 1000


def upgrade() -> None:
    for column in said():
        op.add_column("validation_event", column)
    op.create_index("ix_validation_event_curator_at", "validation_event", ["curator", "at"])
    op.create_index("ix_validation_event_batch", "validation_event", ["batch"])
    review_item()
    op.create_table(
        "claim",
        *columns(TEXT, "detection_id", "login"),
        sa.Column("until", TIME, nullable=False),
        sa.Column("hidden_until", TIME, nullable=True),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("detection_id", "login", name="pk_claim"),
    )
    op.create_index("ix_claim_login_until", "claim", ["login", "until"])
    op.create_table(
        "seed",
        *columns(TEXT, "detection_id", "answer", "origin"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_seed"),
    )
    fill()


def downgrade() -> None:
    for table in ("seed", "claim", "review_item"):
        op.drop_table(table)
    for index in ("ix_validation_event_batch", "ix_validation_event_curator_at"):
        op.drop_index(index, "validation_event")
    for column in said():
        op.drop_column("validation_event", column.name)


def said() -> tuple[sa.Column[Any], ...]:
    """Return the columns of a verdict that are new; what stands in the table already was said without them."""
    return (
        sa.Column("reason", TEXT, nullable=False, server_default=""),
        sa.Column("vocabulary", INTEGER, nullable=False, server_default="0"),
        sa.Column("confidence", INTEGER, nullable=True),
        sa.Column("seconds", NUMBER, nullable=True),
        sa.Column("is_blind", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("score_shown", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("role", TEXT, nullable=False, server_default="reviewer"),
        sa.Column("is_seed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("batch", sa.Uuid(), nullable=True),
    )


def columns(kind: sa.types.TypeEngine[Any], *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def review_item() -> None:
    op.create_table(
        "review_item",
        *columns(TEXT, "detection_id", "observation_id", "survey", "night", "band", "state", "reason"),
        *columns(TEXT, "kind", "verdict", nullable=True),
        *columns(INTEGER, "hpx29", nullable=True),
        *columns(INTEGER, "shuffle", "n_needed", "n_given"),
        *columns(NUMBER, "score", "uncertainty", "anomaly", nullable=True),
        *columns(NUMBER, "disagreement"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_review_item"),
    )
    for name in ORDERS:
        op.create_index(f"ix_review_item_state_{name}_shuffle", "review_item", ["state", name, "shuffle"])
    op.create_index("ix_review_item_state_shuffle", "review_item", ["state", "shuffle"])
    op.create_index(
        "ix_review_item_night_state_score_shuffle", "review_item", ["night", "state", "score", "shuffle"]
    )  # fmt: skip
    op.create_index("ix_review_item_hpx29", "review_item", ["hpx29"])


def fill() -> None:
    """Queue what was announced or judged so far. One verdict was enough then: what was judged needs no second one."""
    connection = op.get_bind()
    made = sa.MetaData()
    names = ("validation_event", "detection", "candidate", "model_run", "observation", "alert", "review_item", "claim")
    made.reflect(connection, only=names)
    tables = made.tables
    votes = standing_votes(connection, tables["validation_event"])
    claims = [
        {"detection_id": detection_id, "login": login, "until": at, "hidden_until": None, "is_answered": True}
        for detection_id, by_login in votes.items()
        for login, (_, at) in by_login.items()
    ]
    for part in parts(iter(claims)):
        connection.execute(tables["claim"].insert(), part)
    for part in parts(items(connection, tables, votes)):
        connection.execute(tables["review_item"].insert(), part)


def standing_votes(connection: sa.Connection, table: sa.Table) -> dict[str, dict[str, tuple[str, Any]]]:
    told = connection.execute(sa.select(table).order_by(table.c.at, table.c.id)).all()
    superseded = {event.supersedes for event in told}
    votes: dict[str, dict[str, tuple[str, Any]]] = {}
    for event in sorted(told, key=lambda one: one.id not in superseded):
        votes.setdefault(event.detection_id, {})[event.curator] = (event.verdict, event.at)
    return votes


def items(
    connection: sa.Connection, tables: Any, votes: dict[str, dict[str, tuple[str, Any]]]
) -> Iterator[dict[str, Any]]:
    one, seen, run, frame = (tables[name] for name in ("detection", "candidate", "model_run", "observation"))
    wanted = (
        sa.select(one, seen.c.hpx29, run.c.observation_id, frame.c.survey, frame.c.night, frame.c.band)
        .join_from(one, seen, sa.and_(seen.c.run == one.c.difference_key, seen.c.number == one.c.number))
        .join(run, run.c.key == one.c.model_run)
        .join(frame, frame.c.id == run.c.observation_id)
    )
    announced = set(connection.execute(sa.select(tables["alert"].c.detection_id)).scalars())
    for row in connection.execute(wanted).all():
        detection_id = f"{row.model_run}:{row.number}"
        told = [verdict for verdict, _ in votes.get(detection_id, {}).values()]
        if not told and detection_id not in announced:
            continue
        # SQLite keeps NaN as a word.
        score = None if row.score == "nan" else row.score
        yield {
            **{name: getattr(row, name) for name in ("observation_id", "survey", "night", "band", "hpx29")},
            **{name: getattr(row, name) for name in ("uncertainty", "anomaly", "kind")},
            "detection_id": detection_id,
            "score": score,
            "shuffle": int.from_bytes(hashlib.sha256(detection_id.encode()).digest()[:8], "big") >> 1,
            "n_needed": 1 if told else 2,
            "n_given": len(told),
            "state": state(told),
            "verdict": told[0] if state(told) == "agreed" else None,
            "reason": "",
            "disagreement": apart(told, score),
        }


def state(told: list[str]) -> str:
    if not told:
        return "open"
    return "disputed" if "unsure" in told or len(set(told)) > 1 else "agreed"


def apart(told: list[str], score: float | None) -> float:
    opinions = [{"real": 1.0, "unsure": 0.5, "bogus": 0.0}[verdict] for verdict in told]
    both = opinions + ([] if score is None else [score])
    return max(both) - min(both) if opinions else 0.0


def parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part

"""One verdict on an exposure and its difference, of four levels."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LEVELS = {"good": "green", "flagged": "orange", "unreliable": "red"}
_RUNS = sa.table("difference_run", sa.column("quality_level", sa.Text()), sa.column("score_level", sa.Text()))


def upgrade() -> None:
    _rename("score_level", "quality_level")
    _rename("score_reason", "quality_reasons")
    _replace("quality_level", _LEVELS)


def downgrade() -> None:
    # What was worth a look was searched like the good ones.
    _replace("quality_level", {new: old for old, new in _LEVELS.items()} | {"yellow": "good"})
    _rename("quality_level", "score_level")
    _rename("quality_reasons", "score_reason")


def _rename(old: str, new: str) -> None:
    op.alter_column("difference_run", old, new_column_name=new)


def _replace(name: str, words: dict[str, str]) -> None:
    column = _RUNS.c[name]
    for old, new in words.items():
        op.execute(_RUNS.update().where(column == old).values({name: new}))

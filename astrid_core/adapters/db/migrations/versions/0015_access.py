"""A person may have several roles, each from one source, and keys for programs."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SOURCE = "astrid"
_NEW_NAMES = {"viewer": "viewer", "curator": "reviewer"}
"""Role of a curator before, and now."""


def upgrade() -> None:
    op.create_table(
        "curator_role",
        sa.Column(
            "login", sa.Text(), sa.ForeignKey("curator.login", name="fk_curator_role_login_curator"), nullable=False
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("login", "source", "role", name="pk_curator_role"),
    )
    people, roles = _curators(), _roles()
    for before, now in _NEW_NAMES.items():
        given = sa.select(people.c.login, sa.literal(_SOURCE), sa.literal(now)).where(people.c.role == before)
        op.execute(sa.insert(roles).from_select(["login", "source", "role"], given))
    op.drop_column("curator", "role")
    op.create_table(
        "api_key",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "owner", "name", "digest")),
        sa.Column("scopes", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created", "expires")),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in ("revoked", "last_used")),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.ForeignKeyConstraint(["owner"], ["curator.login"], name="fk_api_key_owner_curator"),
    )
    op.create_index("ix_api_key_owner", "api_key", ["owner"])


def downgrade() -> None:
    op.drop_table("api_key")
    op.add_column("curator", sa.Column("role", sa.Text(), nullable=False, server_default="viewer"))
    people, roles = _curators(), _roles()
    judges = sa.select(roles.c.login).where(roles.c.role == "reviewer")
    op.execute(sa.update(people).where(people.c.login.in_(judges)).values(role="curator"))
    op.drop_table("curator_role")


def _curators() -> sa.TableClause:
    return sa.table("curator", sa.column("login", sa.Text()), sa.column("role", sa.Text()))


def _roles() -> sa.TableClause:
    return sa.table("curator_role", *(sa.column(name, sa.Text()) for name in ("login", "source", "role")))

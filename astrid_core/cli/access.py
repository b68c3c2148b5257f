"""``astrid access``: who may do what, and keys for programs."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

_SCOPES = ("read", "judge", "arbitrate", "operate", "release", "administer", "audit")
_ROLES = ("viewer", "reviewer", "arbiter", "operator", "data-release", "admin")


def add_commands(choose: Any) -> None:
    """Add the commands."""
    access = choose.add_parser("access", help="say who may do what", allow_abbrev=False)
    doing = access.add_subparsers(required=True, metavar="DOING")
    for name, told in (("grant", "give somebody a role more"), ("revoke", "take a role from somebody")):
        change = doing.add_parser(name, help=told, allow_abbrev=False)
        change.add_argument("login")
        change.add_argument("--role", choices=_ROLES, action="append", required=True, help="may be given several times")
        change.set_defaults(command=run_change, doing=name)
    listing = doing.add_parser("list", help="list people and their roles", allow_abbrev=False)
    listing.set_defaults(command=run_list)
    _add_key_commands(doing.add_parser("key", help="make, revoke or list keys for programs", allow_abbrev=False))


def _add_key_commands(key: argparse.ArgumentParser) -> None:
    doing = key.add_subparsers(required=True, metavar="DOING")
    create = doing.add_parser("create", help="make a key and print it, this once", allow_abbrev=False)
    create.add_argument("login", help="whom it acts for, within the roles that were granted here")
    create.add_argument("--name", required=True, help="what it is for")
    create.add_argument("--scope", choices=_SCOPES, action="append", required=True, help="may be given several times")
    create.add_argument("--days", type=int, default=90, help="how long it works")
    create.set_defaults(command=run_key_create)
    revoke = doing.add_parser("revoke", help="end a key at once", allow_abbrev=False)
    revoke.add_argument("key", metavar="KEY", help="as listed")
    revoke.set_defaults(command=run_key_revoke)
    listing = doing.add_parser("list", help="list keys and their last use", allow_abbrev=False)
    listing.add_argument("--owner", metavar="LOGIN")
    listing.set_defaults(command=run_key_list)


def run_change(arguments: argparse.Namespace) -> int:
    """Grant or take back."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.curation.access import Role
    from astrid_core.stages.access import grant_role, revoke_role

    change = grant_role if arguments.doing == "grant" else revoke_role
    migrate_database()
    with open_services() as services:
        for name in arguments.role:
            changed = change(services, login=arguments.login, role=Role(name))
            state = "is" if arguments.doing == "grant" else "is no longer"
            print(f"{arguments.login} {state} {name}" + ("" if changed else " already"))
    return 0


def run_list(_: argparse.Namespace) -> int:
    """List people."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.access import people

    migrate_database()
    with open_services() as services:
        for one in people(services):
            print(f"{one.login}  {', '.join(sorted(one.roles)) or 'no role'}")
    return 0


def run_key_create(arguments: argparse.Namespace) -> int:
    """Make a key."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.curation.access import Permission
    from astrid_core.stages.keys import create_key

    at = datetime.now(UTC)
    migrate_database()
    with open_services() as services:
        made = create_key(
            services,
            owner=arguments.login,
            name=arguments.name,
            scopes=[Permission(scope) for scope in arguments.scope],
            expires=at + timedelta(days=arguments.days),
            at=at,
        )
    print(made.shown.text)
    return 0


def run_key_revoke(arguments: argparse.Namespace) -> int:
    """End a key."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.keys import revoke_key

    migrate_database()
    with open_services() as services:
        changed = revoke_key(services, key_id=arguments.key, at=datetime.now(UTC))
    print(f"{arguments.key} is revoked" + ("" if changed else " already"))
    return 0


def run_key_list(arguments: argparse.Namespace) -> int:
    """List keys."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.keys import list_keys

    migrate_database()
    with open_services() as services:
        for key in list_keys(services, owner=arguments.owner):
            state = key.refusal(datetime.now(UTC)) or f"until {key.expires:%Y-%m-%d}"
            used = "never used" if key.last_used is None else f"last used {key.last_used:%Y-%m-%d %H:%M} UTC"
            scopes = ", ".join(sorted(scope.value for scope in key.scopes))
            print(f"{key.id}  {key.owner}  {scopes}  {state}  {used}  {key.name}")
    return 0

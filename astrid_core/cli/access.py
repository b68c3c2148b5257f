"""``astrid access``: who may do what."""

import argparse
from typing import Any

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

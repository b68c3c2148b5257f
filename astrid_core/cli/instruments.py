"""``astrid instruments``: what is known about missions, instruments, bands and their pairings."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.observations.registry import Registry


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "instruments",
        help="show what is known about instruments, or check a file about them",
        description="Without NAME lists instruments, missions, bands and what may be subtracted from what; with NAME "
        "(of an instrument, mission or band) prints what is known about it. Exit status 65: the file is wrong; the "
        "message names table and key.",
        allow_abbrev=False,
    )
    parser.add_argument("instrument", nargs="?", metavar="NAME")
    parser.add_argument("--file", type=Path, metavar="INSTRUMENTS.toml", help="read and check this file instead")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is known."""
    from astrid_core.observations.registry_file import known_instruments, read_registry

    if arguments.file is not None:
        registry = read_registry(arguments.file.read_text(), file=str(arguments.file))
        print(f"{arguments.file} is in order")
    else:
        registry = known_instruments()
    print("\n".join(_one(registry, arguments.instrument) if arguments.instrument else _all(registry)))
    return 0


def _all(registry: "Registry") -> list[str]:
    lines = [f"{'INSTRUMENT':<18}{'MISSION':<10}{'PIXEL':>9}{'FWHM':>9}  LEVEL"]
    for name, one in sorted(registry.instruments.items()):
        scale, fwhm = (f'{number:g}"' if number else "" for number in (one.pixel_scale_arcsec, one.fwhm_arcsec))
        lines.append(f"{name:<18}{one.mission:<10}{scale:>9}{fwhm:>9}  {registry.missions[one.mission].level.value}")
    lines += ["", "MISSION   DESCRIPTION"]
    lines += [f"{name:<10}{mission.description}" for name, mission in sorted(registry.missions.items())]
    lines += ["", "BANDS     " + ", ".join(sorted(registry.bands))]
    lines += ["", "SUBTRACTED FROM ANOTHER MISSION (the first line that fits decides)"]
    for pair in registry.pairings:
        verdict = "class B" if pair.allowed else "refused"
        lines.append(f"{pair.reference:<6}from {pair.science:<6}{verdict}: {pair.reason}")
    return lines


def _one(registry: "Registry", name: str) -> list[str]:
    from astrid_core.shared.errors import BadConfiguration

    for kind, known in (("instrument", registry.instruments), ("mission", registry.missions), ("band", registry.bands)):
        if name in known:
            return [f"{kind} {name}", *_lines(known[name], "  ")]
    known_names = ", ".join(sorted((*registry.instruments, *registry.missions, *registry.bands)))
    raise BadConfiguration("nothing is known under this name", name=name, known=known_names)


def _lines(value: Any, margin: str) -> list[str]:
    """Return the fields of a record that say something, one a line."""
    lines = []
    for one in dataclasses.fields(value):
        found = getattr(value, one.name)
        if one.name == "name" or found in (None, "", (), {}) or found == one.default:
            continue
        if dataclasses.is_dataclass(found):
            inside = _lines(found, margin + "  ")
            lines += [f"{margin}{one.name}", *inside] if inside else []
        else:
            lines.append(f"{margin}{one.name} = {_shown(found)}")
    return lines


def _shown(found: Any) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{key}: {getattr(part, 'pattern', None) or _plain(part)}" for key, part in found.items())
    return ", ".join(map(str, found)) if isinstance(found, tuple) else str(found)


def _plain(part: Any) -> str:
    return f"{part.band} with {part.blue} - {part.red}"

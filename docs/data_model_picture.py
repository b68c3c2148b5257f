"""The tables and their foreign keys as SVG, drawn without any other program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from sqlalchemy import ForeignKeyConstraint, Table

_MARGIN, _BOX_WIDTH, _BETWEEN, _GAP = 20, 190, 64, 14
_LINE, _HEAD, _PAD = 15, 22, 6
_FILL = ("#fdf6e3", "#e7eefc", "#eaf5ec", "#f0eafa", "#fdecea", "#e6f4f5", "#f6f0e4", "#eef0f2")
_STROKE = ("#b08800", "#2f5fc4", "#2f8f46", "#7a4fc0", "#c0392b", "#147d85", "#8a6d3b", "#57606a")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    x: float
    y: float
    height: float
    domain: int

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def draw(domains: Mapping[str, Sequence[Table]]) -> str:
    """Return the picture; tables stand right of all that they point to, the domain chooses the colour."""
    number = {table.name: place for place, tables in enumerate(domains.values()) for table in tables}
    tables = [table for one in domains.values() for table in one]
    boxes, width, height = _place(tables, number)
    parts = _legend(list(domains))
    # Lines first: a line that has to pass a box goes behind it.
    for table in tables:
        for key in sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys)):
            parts.append(_line(key, boxes))
    for table in tables:
        parts += _drawn(table, boxes[table.name])
    style = "<style>text{font-family:Helvetica,Arial,sans-serif}</style>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">'  # noqa: E501 - one tag
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([head, style, ground, *parts, "</svg>", ""])


def depths(tables: Sequence[Table]) -> dict[str, int]:
    """Return how many foreign keys follow one another from each table to one without any."""
    found: dict[str, int] = {}

    def depth(table: Table) -> int:
        if table.name not in found:
            above = {key.referred_table for key in table.foreign_key_constraints} - {table}
            found[table.name] = 1 + max((depth(one) for one in above), default=-1)
        return found[table.name]

    for table in tables:
        depth(table)
    return found


def _place(tables: Sequence[Table], number: Mapping[str, int]) -> tuple[dict[str, _Box], float, float]:
    depth = depths(tables)
    pointed = {key.referred_table.name for table in tables for key in table.foreign_key_constraints}
    # What neither points nor is pointed to would push everything else apart: it has a column of its own on the right.
    alone = {table.name for table in tables if not table.foreign_key_constraints and table.name not in pointed}
    last = 1 + max(depth.values())
    bottom: dict[int, float] = {}
    boxes: dict[str, _Box] = {}
    order = sorted(tables, key=lambda table: (last if table.name in alone else depth[table.name], number[table.name]))
    for table in order:
        column = last if table.name in alone else depth[table.name]
        y = bottom.get(column, _MARGIN + 40.0)
        height = _HEAD + _LINE * len(_shown(table)) + _PAD
        x = _MARGIN + column * (_BOX_WIDTH + _BETWEEN)
        boxes[table.name] = _Box(x=x, y=y, height=height, domain=number[table.name])
        bottom[column] = y + height + _GAP
    return boxes, 2 * _MARGIN + (last + 1) * _BOX_WIDTH + last * _BETWEEN, max(bottom.values()) + _MARGIN


def _shown(table: Table) -> list[str]:
    """Return the columns that make a row what it is, or lead to another one, and how many there are besides."""
    keys = [one.name for one in table.columns if one.primary_key or one.foreign_keys]
    beside = len(table.columns) - len(keys)
    return [*keys, f"and {beside} more"] if beside else keys


def _line(key: ForeignKeyConstraint, boxes: Mapping[str, _Box]) -> str:
    source, target = boxes[key.table.name], boxes[key.referred_table.name]
    names = _shown(key.table)
    y = source.y + _HEAD + _LINE * (names.index(key.column_keys[0]) + 0.5)
    colour = _STROKE[target.domain % len(_STROKE)]
    if source is target:
        path = f"M{source.x:.1f} {y:.1f} c-30 0 -30 {source.y + 11 - y:.1f} 0 {source.y + 11 - y:.1f}"
    else:
        x, end = source.x, target.x + _BOX_WIDTH
        bend = max(40.0, (x - end) / 2)
        path = f"M{x:.1f} {y:.1f} C{x - bend:.1f} {y:.1f} {end + bend:.1f} {target.y + 11:.1f} {end:.1f} {target.y + 11:.1f}"  # noqa: E501 - one path
    return f'<path d="{path}" stroke="{colour}" stroke-opacity="0.75" fill="none"/>'


def _drawn(table: Table, box: _Box) -> list[str]:
    fill, edge = (colours[box.domain % len(colours)] for colours in (_FILL, _STROKE))
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{_BOX_WIDTH}" height="{box.height:.1f}"'
    parts = [f'<rect {place} rx="4" fill="{fill}" stroke="{edge}"/>', _text(box.x + 8, box.y + 15, table.name, "bold")]
    for n, name in enumerate(_shown(table)):
        parts.append(_text(box.x + 8, box.y + _HEAD + _LINE * n + 10, name))
    return parts


def _legend(domains: Sequence[str]) -> list[str]:
    parts = []
    for place, domain in enumerate(domains):
        x = _MARGIN + 130 * place
        fill, edge = (colours[place % len(colours)] for colours in (_FILL, _STROKE))
        parts.append(f'<rect x="{x}" y="{_MARGIN}" width="14" height="14" rx="3" fill="{fill}" stroke="{edge}"/>')
        parts.append(_text(x + 20, _MARGIN + 11, domain, "bold"))
    return parts


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" font-weight="{weight}" fill="#1f2328">{escape(text)}</text>'

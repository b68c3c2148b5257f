"""Draw docs/diagrams/architecture.svg from the code: ``python -m docs.architecture``.

Rows and their order come from the import contracts, what stands in a box from the modules it stands for, what a stage
records from the calls it makes. A test draws the picture again and compares.
"""

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "diagrams" / "architecture.svg"

_WIDTH, _MARGIN, _GAP = 1040, 16, 10
_LINE, _PAD = 16, 10
_CHARACTER = 6.3
"""Width of a character of the small print, pixels."""
_FILL = {"astrid_core": "#f6f8fa", "scheduler": "#e7eefc", "shell": "#eaf5ec", "domain": "#fdf6e3", "stage": "#f0eafa"}
_ROLES = {
    "dags": "when and in which order",
    "plugins": "pages inside the Airflow UI",
    "include": "what ties Airflow to the library",
    "cli": "the same stages from a shell",
    "bootstrap": "opens the adapters behind the ports",
    "telemetry": "who watches the stages, and tells of it",
    "settings": "addresses and secrets",
    "stages": "ask, compute, store, record",
    "adapters": "databases, stores, archives, registry",
    "simulate": "a sky with known truth",
    "alerts": "what is said of objects, and to whom",
    "catalog": "objects, light curves, reports",
    "curation": "verdicts of people",
    "detection": "how likely is it new?",
    "differencing": "what changed between two images",
    "preprocessing": "from raw frames to comparable images",
    "observations": "what was looked at",
    "shared": "words of every domain",
}
"""Why each part exists; a new part must say so here before it can be drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One part of the system: a title, why it exists, and what is in it."""

    name: str
    role: str = ""
    fill: str
    lines: tuple[str, ...]


def draw() -> str:
    """Return the picture as SVG text; equal code gives equal text."""
    graph = grimp.build_graph(
        "astrid_core", "dags", "include", "plugins", include_external_packages=True, cache_dir=None
    )
    outer, inner = _layers()
    y = 52.0
    parts = [_text(_MARGIN, 30, "AstrID: whoever stands higher may import what stands lower", size=16, weight="bold")]
    for names in outer:
        boxes = [_box(graph, name, name, "scheduler") for name in names]
        drawn, y = _row(boxes, y, _MARGIN, _WIDTH - 2 * _MARGIN)
        parts += drawn
    frame_top, y = y, y + 30
    library = []
    for names in inner:
        boxes = [_box(graph, name, f"astrid_core.{name}", _kind(name)) for name in names]
        drawn, y = _row(boxes, y, _MARGIN + _PAD, _WIDTH - 2 * (_MARGIN + _PAD))
        library += drawn
    parts.append(_rectangle(_MARGIN, frame_top, _WIDTH - 2 * _MARGIN, y - frame_top, _FILL["astrid_core"]))
    parts.append(
        _text(_MARGIN + _PAD, frame_top + 20, "astrid_core (knows nothing of Airflow)", size=13, weight="bold")
    )
    parts += library
    drawn, y = _night(y + 34)
    parts += drawn
    style = "<style>text{font-family:Helvetica,Arial,sans-serif}</style>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" width="{_WIDTH}" height="{y:.0f}">'
    return "\n".join([head, style, _rectangle(0, 0, _WIDTH, y, "#ffffff", edge="none"), *parts, "</svg>", ""])


def stage_records(path: Path) -> tuple[str, ...]:
    """Return the names of the records that a stage writes, in the order of its calls."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            is_record = isinstance(target, ast.Attribute) and ast.unparse(target.value) == "records"
            if is_record and node.func.attr in {"add", "put", "put_points"} and isinstance(target, ast.Attribute):
                found.setdefault(target.attr)
    return tuple(found)


def is_stage(path: Path) -> bool:
    """Tell whether a module of ``stages`` holds a stage rather than something that stages share."""
    return bool(_stage_functions(path))


def _layers() -> tuple[list[list[str]], list[list[str]]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = [
        [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers"
    ]
    return rows[0][:-1], rows[1]


def _kind(name: str) -> str:
    if (ROOT / "astrid_core" / name / "entities.py").exists() or name == "shared":
        return "domain"
    return "stage" if name == "stages" else "shell"


def _box(graph: grimp.ImportGraph, name: str, package: str, kind: str) -> Box:
    lines = [*_contents(name, package), *_services(graph, package)]
    return Box(name=name, role=_ROLES[name], fill=_FILL[kind], lines=tuple(line for line in lines if line))


def _contents(name: str, package: str) -> Iterator[str]:
    folder = ROOT / package.replace(".", "/")
    if not folder.is_dir():
        yield ", ".join(_public(ast.parse(folder.with_suffix(".py").read_text())))
    elif (folder / "entities.py").exists():
        yield ", ".join(_nouns(folder / "entities.py"))
    elif name == "stages":
        yield ", ".join(name for path in sorted(folder.glob("*.py")) for name in _stage_functions(path))
    elif name == "shared":
        yield ", ".join(noun for path in sorted(folder.glob("*.py")) for noun in _nouns(path))
    else:
        parts = [path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
        yield ", ".join(sorted(part for part in parts if not part.startswith("_")))


def _nouns(path: Path) -> list[str]:
    """Return the dataclasses of a module."""
    classes = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
    return [one.name for one in classes if any("dataclass" in ast.unparse(mark) for mark in one.decorator_list)]


def _stage_functions(path: Path) -> list[str]:
    """Return the functions that take the services and are named for running."""
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    return [
        one.name
        for one in functions
        if one.name.startswith("run_") and [argument.arg for argument in one.args.args][:1] == ["services"]
    ]


def _public(module: ast.Module) -> list[str]:
    named = (node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return [node.name for node in named if not node.name.startswith("_")]


def _services(graph: grimp.ImportGraph, package: str) -> Iterator[str]:
    """Yield what of the outside world a part talks to."""
    outside = {"airflow", "alembic", "boto3", "great_expectations", "keras", "mlflow", "psycopg", "sqlalchemy"}
    own = {package} | graph.find_descendants(package)
    used = {imported for module in own for imported in graph.find_modules_directly_imported_by(module)} & outside
    if used:
        yield f"through {', '.join(sorted(used))}"


def _night(y: float) -> tuple[list[str], float]:
    """Draw the stages of a night in the order of the science settings, each with the records it writes."""
    stages = [path for path in (_stage_file(name) for name in _settings_order()) if path is not None]
    parts = [_text(_MARGIN, y, "One night: each stage takes the key of the run before it and records its own", size=16,
                   weight="bold")]  # fmt: skip
    width = (_WIDTH - 2 * _MARGIN - (len(stages) - 1) * _GAP) / len(stages)
    boxes = [
        Box(name=path.stem, fill=_FILL["stage"], lines=tuple(one.replace("_", " ") for one in stage_records(path)))
        for path in stages
    ]
    drawn, bottom = _row(boxes, y + 14, _MARGIN, _WIDTH - 2 * _MARGIN)
    for number in range(1, len(stages)):
        x = _MARGIN + number * (width + _GAP) - _GAP
        parts.append(f'<path d="M{x:.1f} {y + 32:.1f} l{_GAP} 0 m-4 -4 l4 4 l-4 4" stroke="#57606a" fill="none"/>')
    return parts + drawn, bottom + 4


def _settings_order() -> list[str]:
    module = ast.parse((ROOT / "astrid_core" / "bootstrap.py").read_text())
    (pipeline,) = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Pipeline")
    names = [
        node.target.id
        for node in pipeline.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    return [name for name in names if name not in {"train", "gate"}]


def _stage_file(name: str) -> Path | None:
    found = [ROOT / "astrid_core" / "stages" / f"{one}.py" for one in (name, f"{name}s")]
    return next((path for path in found if path.exists()), None)


def _row(boxes: Sequence[Box], y: float, left: float, width: float) -> tuple[list[str], float]:
    """Draw boxes side by side, all as high as the fullest, and return where the next row begins."""
    each = (width - (len(boxes) - 1) * _GAP) / len(boxes)
    texts = [[part for line in box.lines for part in wrap(line, int((each - 2 * _PAD) / _CHARACTER))] for box in boxes]
    height = 2 * _PAD + 14 + _LINE * max(len(lines) for lines in texts)
    parts = []
    for number, (box, lines) in enumerate(zip(boxes, texts, strict=True)):
        x = left + number * (each + _GAP)
        parts.append(_rectangle(x, y, each, height, box.fill))
        parts.append(_text(x + _PAD, y + _PAD + 12, box.name, size=13, weight="bold"))
        if box.role:
            parts.append(_text(x + 2 * _PAD + 8 * len(box.name), y + _PAD + 12, box.role, size=11.5, colour="#57606a"))
        parts += [_text(x + _PAD, y + _PAD + 12 + _LINE * (1 + n), line, size=11.5) for n, line in enumerate(lines)]
    return parts, y + height + _GAP


def _rectangle(x: float, y: float, width: float, height: float, fill: str, *, edge: str = "#8c959f") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} rx="4" fill="{fill}" stroke="{edge}"/>'


def _text(x: float, y: float, text: str, *, size: float, weight: str = "normal", colour: str = "#1f2328") -> str:
    look = f'font-size="{size:g}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw())

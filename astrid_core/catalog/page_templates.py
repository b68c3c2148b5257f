"""How pages of the catalog are made of their templates."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates() -> Environment:
    """Return the templates, in which ``number`` writes a float in a format, and a dash for None."""
    environment = Environment(
        loader=PackageLoader("astrid_core.catalog", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment


def _number(value: float | None, fmt: str) -> str:
    return "–" if value is None else format(value, fmt).replace("-", "−")

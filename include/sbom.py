"""``python -m include.sbom``: what this environment is made of, as a CycloneDX bill of materials."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

_DEBIAN = Path("/var/lib/dpkg/status")


def bill(installed: Iterable[Distribution], debian: str = "") -> dict[str, Any]:
    """Return the bill of Python packages and of the Debian packages that a ``dpkg`` status file tells of."""
    parts = {part["purl"]: part for part in (*_python(installed), *_debian(debian))}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "astrid", "bom-ref": "astrid"}},
        "components": [parts[purl] for purl in sorted(parts)],
    }


def _python(installed: Iterable[Distribution]) -> Iterator[dict[str, Any]]:
    for one in installed:
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()
        part = _part(name, one.version, f"pkg:pypi/{name}@{one.version}")
        licence = "License-Expression" in one.metadata and one.metadata["License-Expression"]
        yield {**part, "licenses": [{"expression": licence}]} if licence else part


def _debian(status: str) -> Iterator[dict[str, Any]]:
    for paragraph in status.split("\n\n"):
        facts = dict(re.findall(r"^(Package|Version|Architecture|Status): (.+)$", paragraph, flags=re.MULTILINE))
        if facts.get("Status", "").endswith(" installed"):
            purl = f"pkg:deb/debian/{facts['Package']}@{facts['Version']}?arch={facts['Architecture']}"
            yield _part(facts["Package"], facts["Version"], purl)


def _part(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main() -> None:
    """Print the bill of this environment."""
    status = _DEBIAN.read_text(errors="replace") if _DEBIAN.exists() else ""
    json.dump(bill(distributions(), status), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

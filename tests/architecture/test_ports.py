"""Every port has a memory twin in tests/fakes that can do all that the port promises (house.md, 10)."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import tests.fakes
from tests.architecture.repository import ROOT, base_names, classes, modules

NO_PORT = {
    "SettledRun": "what recorded runs have in common; nothing stands behind it",
    "Place": "what candidates and labelled places have in common",
}


def ports() -> Iterator[type]:
    for path in modules("astrid_core"):
        for node in classes(path):
            if "Protocol" in base_names(node) and node.name not in NO_PORT:
                module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                yield getattr(module, node.name)


def twins() -> list[type]:
    folder = pkgutil.iter_modules(tests.fakes.__path__, "tests.fakes.")
    found = [import_module(info.name) for info in folder]
    return [
        one
        for module in found
        for name, one in inspect.getmembers(module, inspect.isclass)
        if name.startswith("Memory") and one.__module__ == module.__name__
    ]


def promises(port: Any) -> dict[str, list[str]]:
    """Return the public members of a port with the parameters of its methods."""
    members = {name: member for name, member in vars(port).items() if not name.startswith("_")}
    return {name: parameters(member) for name, member in members.items()}


def parameters(member: object) -> list[str]:
    return list(inspect.signature(member).parameters) if inspect.isfunction(member) else []


def keeps(twin: Any, promised: dict[str, list[str]]) -> bool:
    fields = set(getattr(twin, "__dataclass_fields__", {})) | set(getattr(twin, "__annotations__", {}))
    for name, expected in promised.items():
        member = inspect.getattr_static(twin, name, None)
        if member is None and name not in fields:
            return False
        if inspect.isfunction(member) and parameters(member) != expected:
            return False
    return True


@pytest.mark.parametrize("port", list(ports()), ids=lambda port: port.__name__)
def test_every_port_has_a_memory_twin(port: type) -> None:
    promised = promises(port)

    assert promised
    assert [twin.__name__ for twin in twins() if keeps(twin, promised)], (
        f"no Memory... in tests/fakes is a {port.__name__}"
    )


def test_protocols_live_in_ports_or_in_shared() -> None:
    elsewhere = [
        path.relative_to(ROOT).as_posix()
        for path in modules("astrid_core")
        if path.name != "ports.py" and path.parent.name != "shared"
        for node in classes(path)
        if "Protocol" in base_names(node) and node.name not in NO_PORT
    ]

    assert elsewhere == []


def test_exceptions_to_the_rule_exist() -> None:
    names = {node.name for path in modules("astrid_core") for node in classes(path)}

    assert set(NO_PORT) <= names

"""One reviewer who judges over HTTP until nothing waits; ``benchmarks.voting`` starts many of them.

What to do comes on standard input, as JSON: address, key, file for what was answered, and whether they say the opposite
of what is true. Whoever gets no answer, or one that speaks of trouble in the server, asks once more with the same
identity, as the page does.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

BATCH = 10
_PAUSE_S, _LONGEST_S = 0.2, 1200.0
"""Between two tries, and all tries of one request together."""
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answered:
    """What the API said in the end."""

    content: Any
    took_s: float
    """Of the try that was answered."""
    n_tries: int


def is_real(detection: str) -> bool:
    """Tell the truth of a detection, which all reviewers see, whatever they say."""
    return int(detection.rpartition(":")[2]) % 3 != 0


def ask(client: httpx.Client, method: str, path: str, **told: Any) -> Answered:
    """Ask until there is an answer."""
    end = time.monotonic() + _LONGEST_S
    n_tries = 0
    while time.monotonic() < end:
        n_tries += 1
        began = time.monotonic()
        try:
            answer = client.request(method, f"/astrid/api/v1{path}", **told)
        except httpx.TransportError:
            time.sleep(_PAUSE_S)
            continue
        if answer.status_code == _TOO_MANY or answer.is_server_error:
            time.sleep(float(answer.headers.get("Retry-After", _PAUSE_S)))
            continue
        answer.raise_for_status()
        return Answered(content=answer.json(), took_s=time.monotonic() - began, n_tries=n_tries)
    raise TimeoutError(f"no answer to {method} {path}")


def judge_all(client: httpx.Client, answers: Path, *, is_contrary: bool) -> None:
    """Judge all there is, first what was kept for us when we were killed; write down what the API confirmed."""
    with answers.open("a", buffering=1) as file:
        while claims := _held(client) or _claimed(client):
            for one in claims:
                vote = {
                    "id": str(uuid4()),
                    "detection": one["id"],
                    "verdict": "real" if is_real(one["id"]) != is_contrary else "bogus",
                }
                said = ask(client, "POST", "/verdicts", json=vote)
                file.write(json.dumps({**vote, "took_s": said.took_s, "n_tries": said.n_tries}) + "\n")


def _held(client: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ask(client, "GET", "/queue/claims").content["items"]
    return items


def _claimed(client: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ask(client, "POST", "/queue/claim", json={"n": BATCH}).content["items"]
    return items


def main() -> None:
    """Do as standard input says."""
    told = json.load(sys.stdin)
    headers = {"Authorization": f"Bearer {told['key']}"}
    with httpx.Client(base_url=told["url"], headers=headers, timeout=300.0) as client:
        judge_all(client, Path(told["answers"]), is_contrary=told["is_contrary"])


if __name__ == "__main__":
    main()

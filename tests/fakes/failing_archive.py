"""An archive of which every fifth answer is wrong, in all the ways of archives; its token expires now and then."""

import base64
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.fakes.archive_server import Asked, Reply
from tests.fakes.survey_servers import Answer, mast

PAGE = Reply(body=b"<html><h1>Scheduled maintenance</h1></html>", headers={"Content-Type": "text/html"})
_SHARE = 0.2
_REQUESTS_PER_TOKEN = 400


class FailingArchive:
    """MAST with ``files``; what it does depends on the seed and on the order in which it is asked."""

    def __init__(self, files: Mapping[str, bytes], *, seed: int) -> None:
        self._answer: Answer = mast(files, page_size=10_000, mission="HST")
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._n_left = _REQUESTS_PER_TOKEN
        self._bags: dict[bool, list[str]] = {}
        self.token = 1
        self.served: Counter[str] = Counter()

    def renew_expired_token(self) -> None:
        """Give out another token if the last one is good for nothing any more."""
        with self._lock:
            if self._n_left <= 0:
                self.token += 1
                self._n_left = _REQUESTS_PER_TOKEN

    def __call__(self, asked: Asked) -> Reply:
        with self._lock:
            self._n_left -= 1
            is_valid = self._n_left > 0 and asked.headers.get("Authorization") == f"token secret-{self.token}"
            is_file = asked.path.endswith("/file")
            kinds: Mapping[str, Callable[[Reply], Reply]] = _FILE_FAULTS if is_file else _LIST_FAULTS
            fault = self._next_of(kinds, is_file=is_file) if self._random.random() < _SHARE else ""
            what = "expired token" if not is_valid else fault or ("file" if is_file else "list")
            self.served[what] += 1
        if not is_valid:
            return Reply(status=401, body=b"token expired")
        reply = self._answer(asked)
        return kinds[fault](reply) if fault else reply

    def _next_of(self, kinds: Mapping[str, object], *, is_file: bool) -> str:
        """Draw a kind without putting it back, so that all of them come."""
        if not self._bags.get(is_file):
            self._bags[is_file] = self._random.sample(sorted(kinds), len(kinds))
        return self._bags[is_file].pop()


def _with_digest_of_another(reply: Reply) -> Reply:
    # Every byte of a part may be right and the whole still be wrong: the digest is of something else.
    wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    return replace(reply, headers={**reply.headers, "Digest": f"sha-256={wrong}"})


def _with_other_columns(reply: Reply) -> Reply:
    content = json.loads(reply.body)
    names = {"obsid": "obs_number", "dataURI": "data_uri"}
    content["data"] = [{names.get(name, name): value for name, value in row.items()} for row in content["data"]]
    content["fields"] = [{**one, "name": names.get(one["name"], one["name"])} for one in content["fields"]]
    return replace(reply, body=json.dumps(content).encode())


_FAULTS: Mapping[str, Callable[[Reply], Reply]] = {
    "429": lambda _: Reply(status=429, headers={"Retry-After": "0"}),
    "500": lambda _: Reply(status=500),
    "503": lambda _: Reply(status=503),
    "half a body": lambda reply: replace(reply, n_sent=len(reply.body) // 2),
    "hang": lambda _: Reply(hangs=True),
    "web page": lambda _: PAGE,
}
_FILE_FAULTS = {**_FAULTS, "wrong checksum": _with_digest_of_another}
_LIST_FAULTS = {**_FAULTS, "other columns": _with_other_columns}
KINDS = {*_FILE_FAULTS, *_LIST_FAULTS, "expired token"}

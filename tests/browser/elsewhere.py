"""Another origin on this machine, with a stand-in for Aladin Lite: the same calls, and what it was told as text."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIBRARY = "/aladin.js"
_STAND_IN = b"""
const kept = () => { try { return [document.cookie, parent.document.title]; } catch { return "nothing"; } };
const layers = [];
const A = {
  init: Promise.resolve(),
  catalog: ({ name }) => {
    const layer = {
      name,
      n: 0,
      removeAll: () => (layer.n = 0),
      addSources: (more) => ((layer.n += more.length), tell()),
    };
    layers.push(layer);
    return layer;
  },
  source: (ra, dec) => [ra, dec],
  aladin: (where, { survey }) => {
    tell = (at = tell.at) => {
      tell.at = at;
      const marks = layers.map(({ name, n }) => `${n} ${name}`).join(", ");
      document.querySelector(where).textContent = `${survey} at ${at}: ${marks}; reads ${kept()} of ours`;
    };
    const gotoRaDec = (ra, dec) => tell(`${ra.toFixed(5)} ${dec.toFixed(5)}`);
    return { gotoRaDec, setFoV: () => {}, addCatalog: () => {} };
  },
};
let tell = () => {};
export default A;
"""


class Elsewhere:
    """Where it is, and what was asked of it."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.asked: list[str] = []


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Serve the stand-in to whoever asks until the block ends; nothing else is there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            self.send_response(200 if self.path == LIBRARY else 404)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "text/javascript")
            self.end_headers()
            if self.path == LIBRARY:
                self.wfile.write(_STAND_IN)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there = Elsewhere(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""What the Hugging Face Hub answers over HTTP, as far as a run is pushed and pulled. Files are in memory."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator


class _Answers(http.server.BaseHTTPRequestHandler):
    """Of `serving`'s repositories: {name: {path: bytes}}."""

    hub: dict[str, dict[str, bytes]]
    asked: list[tuple[str, str]]
    private: set[str]

    def log_message(self, format, *args):
        del format, args

    def _send(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, value, status: int = 200, **headers: str) -> None:
        self._send(json.dumps(value).encode(), status, Content_Type="application/json", **headers)

    def _path(self) -> list[str]:
        path = urllib.parse.urlparse(self.path).path
        self.asked.append((self.command, path))
        return [urllib.parse.unquote(word) for word in path.split("/")[1:]]

    def _missing(self) -> None:
        self._json({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self._path():
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                repo = "/".join(filter(None, (asked.get("organization"), asked["name"])))
                if repo.startswith("closed/"):
                    self._json({"error": "You don't have the rights"}, 403)
                    return
                if repo not in self.hub and "private" in (asked.get("visibility"), *_true(asked)):
                    self.private.add(repo)
                self.hub.setdefault(repo, {})
                self._json({"url": f"http://{self.headers['Host']}/{repo}", "name": repo})
            case ["api", "validate-yaml"]:
                self._json({"errors": [], "warnings": []})
            case ["api", "models", user, name, "preupload", _]:
                files = json.loads(body)["files"]
                modes = [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for f in files
                ]
                self._json({"files": modes} if f"{user}/{name}" in self.hub else {})
            case ["api", "models", user, name, "commit", _]:
                files = self.hub[f"{user}/{name}"]
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        held = line["value"]
                        files[held["path"]] = base64.b64decode(held["content"])
                    elif line["key"] == "deletedFile":
                        del files[line["value"]["path"]]
                self._json(
                    {
                        "success": True,
                        "commitOid": _digest(files),
                        "commitUrl": f"http://{self.headers['Host']}/{user}/{name}/commit/{_digest(files)}",
                    }
                )
            case _:
                self._missing()

    def do_GET(self):
        match self._path():
            case ["api", "models", user, name, *_] if (
                f"{user}/{name}" in self.hub and "tree" not in self.path
            ):
                files = self.hub[f"{user}/{name}"]
                siblings = [{"rfilename": path, "size": len(files[path])} for path in files]
                self._json(
                    {"id": f"{user}/{name}", "sha": _digest(files), "siblings": siblings}
                    | {
                        "private": f"{user}/{name}" in self.private,
                        "tags": [],
                        "downloads": 0,
                        "likes": 0,
                    }
                )
            case ["api", "models", user, name, "tree", *_] if f"{user}/{name}" in self.hub:
                files = self.hub[f"{user}/{name}"]
                self._json(
                    [
                        {"type": "file", "path": p, "size": len(c), "oid": _tag(c)}
                        for p, c in files.items()
                    ]
                )
            case [user, name, "resolve", revision, *path]:
                content = self.hub.get(f"{user}/{name}", {}).get("/".join(path))
                if content is None:
                    self._json({}, 404, X_Error_Code="EntryNotFound")
                else:
                    self._send(content, ETag=f'"{_tag(content)}"', X_Repo_Commit=revision)
            case _:
                self._missing()

    do_HEAD = do_GET


def _true(asked: dict) -> list[str]:
    """Older versions of the package say so."""
    return ["private"] if asked.get("private") else []


def _tag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _digest(files: dict[str, bytes]) -> str:
    return _tag(b"".join(p.encode() + c for p, c in sorted(files.items())))


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, dict[str, dict[str, bytes]], list[tuple[str, str]]]]:
    """(address, {repository: {path: content}}, what was asked) of a Hub on this machine."""
    hub: dict[str, dict[str, bytes]] = {}
    asked: list[tuple[str, str]] = []
    answers = type("Answers", (_Answers,), {"hub": hub, "asked": asked, "private": set()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", hub, asked
    finally:
        server.shutdown()
        thread.join()

"""A server that speaks as much of the hub's protocol as its client needs: repositories in memory, with commits."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HubServer:
    """A stand-in for the hub, at ``address`` until ``close``.

    Attributes:
        repos: commits by repository, the last one being its main branch; each has its files by name.
        requests: the method and path of each request.
        claimed: sizes to claim for files, whatever they have.
    """

    def __init__(self):
        self.repos, self.requests, self.claimed = {}, [], {}
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def commit(self, repo, files):
        """Add a commit, and return its name."""
        listed = sorted((name, hashlib.sha1(content).hexdigest()) for name, content in files.items())
        name = hashlib.sha1(json.dumps([len(self.repos.get(repo, {})), listed]).encode()).hexdigest()
        self.repos.setdefault(repo, {})[name] = dict(files)
        return name

    def find(self, repo, revision):
        """Return the name and the files of a commit; None if there is none."""
        commits = self.repos.get(repo, {})
        name = list(commits)[-1] if revision == "main" and commits else revision
        return (name, commits[name]) if name in commits else None


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self._get(body=False)

    def do_GET(self):
        self._get(body=True)

    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.requests.append(("POST", self.path))
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts == ["api", "repos", "create"]:
            given = json.loads(content)
            repo = "/".join(filter(None, [given.get("organization"), given["name"]]))
            self.hub.repos.setdefault(repo, {})
            self._send(200, {"url": f"{self.hub.address}/{repo}"})
        elif parts == ["api", "validate-yaml"]:
            self._send(200, {"errors": [], "warnings": []})
        elif parts[4:5] == ["preupload"]:
            files = [{"path": it["path"], "uploadMode": "regular", "shouldIgnore": False}
                     for it in json.loads(content)["files"]]  # fmt: skip
            self._send(200, {"files": files})
        elif parts[4:5] == ["commit"]:
            repo = "/".join(parts[2:4])
            files = dict(next(reversed(self.hub.repos[repo].values()), {}))
            for line in map(json.loads, content.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            name = self.hub.commit(repo, files)
            url = f"{self.hub.address}/{repo}/commit/{name}"
            self._send(200, {"success": True, "commitOid": name, "commitUrl": url, "hookOutput": ""})
        else:
            self._send(404, {"error": "not found"})

    def _get(self, *, body):
        self.hub.requests.append((self.command, self.path))
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            repo, rest = "/".join(parts[2:4]), parts[4:]
            found = self.hub.find(repo, rest[1] if rest[:1] in (["revision"], ["tree"]) and len(rest) > 1 else "main")
            if found is None and repo in self.hub.repos:
                return self._send(404, {"error": "not found"}, **{"X-Error-Code": "RevisionNotFound"})
            if found is None:
                return self._send(404, {"error": "not found"}, **{"X-Error-Code": "RepoNotFound"})
            return self._send(200, self._list(found[1]) if rest[:1] == ["tree"] else self._describe(repo, *found))
        if len(parts) > 4 and parts[2] == "resolve":
            found = self.hub.find("/".join(parts[:2]), parts[3])
            name = "/".join(parts[4:])
            if found is not None and name in found[1]:
                return self._send_file(found[0], found[1][name], body=body)
            return self._send(404, {"error": "not found"}, **{"X-Error-Code": "EntryNotFound"})
        return self._send(404, {"error": "not found"}, **{"X-Error-Code": "RepoNotFound"})

    def _size(self, name, content):
        return self.hub.claimed.get(name, len(content))

    def _list(self, files):
        names = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
        return [{"type": "file", "path": name, "size": self._size(name, files[name]), "oid": oid}
                for name, oid in names.items()]  # fmt: skip

    def _describe(self, repo, commit, files):
        siblings = [{"rfilename": name, "size": self._size(name, content)} for name, content in files.items()]
        return {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings, "private": False, "tags": []}

    def _send_file(self, commit, content, *, body):
        tag = f'"{hashlib.sha1(content).hexdigest()}"'
        self._answer(200, content if body else b"", {"ETag": tag, "X-Repo-Commit": commit}, len(content))

    def _send(self, status, content, **headers):
        self._answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **headers})

    def _answer(self, status, content, headers, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

"""A stand-in for the IAM: a key made by openssl, the key set over HTTP, and a token that is signed with it."""

import base64
import contextlib
import http.server
import json
import subprocess
import threading
import time
from pathlib import Path


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


@contextlib.contextmanager
def running(directory):
    """Serves while the body runs; yields the IAM's address and a token that is good for a day."""
    key = Path(directory) / "iam.pem"
    _openssl("genrsa", "-out", key, "2048")
    modulus = bytes.fromhex(_openssl("rsa", "-in", key, "-noout", "-modulus").decode().split("=")[1].strip())
    public = {
        "kid": "1", "kty": "RSA", "use": "sig", "alg": "RS256",
        "n": _base64url(modulus), "e": _base64url((65537).to_bytes(3, "big")),
    }
    signed = ".".join(
        _base64url(json.dumps(part, separators=(",", ":")).encode())
        for part in ({"typ": "JWT", "alg": "RS256"}, {"uid": "bench", "exp": int(time.time()) + 86_400})
    )
    token = f"{signed}.{_base64url(_openssl('dgst', '-sha256', '-sign', key, data=signed.encode()))}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"keys": [public]}).encode()
            self.send_response(200 if self.path == "/acs/api/v1/auth/jwks" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", token
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

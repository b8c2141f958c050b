"""A small provider of OpenID Connect for tests: a real server with discovery, the code flow with PKCE, and signed tokens."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "lectotype", "the secret of the client"


@dataclass
class IdentityProvider:
    """`person` is who signs in there next; `spoil` changes the claims of the next ID token."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "0000-0002-1825-0097", "name": "Josiah Carberry"})
    spoil: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    published: RSAKey | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def sign(self, claims: dict[str, Any], **header: str) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid or "", **header}, claims, self.key)

    def logout_token(self, **claims: Any) -> str:
        event = {"http://schemas.openid.net/event/backchannel-logout": {}}
        said = {"iss": self.issuer, "aud": CLIENT, "iat": int(time.time()), "jti": "1", "events": event}
        return self.sign({**said, **claims})

    def app(self) -> Flask:
        app = Flask("identity-provider")

        @app.get("/.well-known/openid-configuration")
        def discovery() -> Response:
            names = {
                "authorization_endpoint": "authorize",
                "token_endpoint": "token",
                "jwks_uri": "keys",
                "end_session_endpoint": "out",
            }
            return jsonify({"issuer": self.issuer} | {name: f"{self.issuer}/{path}" for name, path in names.items()})

        @app.get("/authorize")
        def authorize() -> Any:
            self.asked.append(request.args.to_dict())
            code = f"code{len(self.codes)}"
            self.codes[code] = request.args.to_dict()
            back = {"code": code, "state": request.args["state"], "iss": self.issuer}
            return redirect(f"{request.args['redirect_uri']}?{urlencode(back)}")

        @app.post("/token")
        def token() -> Any:
            asked = self.codes.pop(request.form["code"], None)
            digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            known = request.authorization and (request.authorization.username, request.authorization.password) == (CLIENT, SECRET)
            if asked is None or not known or challenge != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
                return jsonify({"error": "invalid_grant"}), 400
            now = int(time.time())
            claims = {
                "iss": self.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
                "sid": "session-1",
            }
            said = {**claims, **self.person, **self.spoil}
            return jsonify({"access_token": "a", "token_type": "Bearer", "id_token": self.sign(said)})

        @app.get("/keys")
        def keys() -> Response:
            return jsonify(KeySet([self.published or self.key]).as_dict(private=False))

        return app


@contextmanager
def serving() -> Iterator[IdentityProvider]:
    """The provider on a free port, until the block is left."""
    provider = IdentityProvider()
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A provider of OpenID Connect, as its client sees it: discovery, the code flow with PKCE, and the tokens that it signs.

OpenID Connect Core 1.0, section 3.1; Discovery 1.0; Back-Channel Logout 1.0; PKCE is RFC 7636.
"""

import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from app.runtime.errors import NotAllowed, Unavailable
from app.runtime.kept import Kept
from app.runtime.settings import Provider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")  # none that is shared
TIMEOUT_S, MOST_BYTES, KEPT_S, LEEWAY_S = 10.0, 1_000_000, 600.0, 60
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_documents: Kept[str, tuple[float, Any]] = Kept(50)


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who somebody is, as the provider says: `claims` of the ID token. `session` is its `sid`, or empty."""

    issuer: str
    subject: str
    session: str
    claims: dict[str, Any]


def authorization_address(provider: Provider, redirect_uri: str, *, state: str, nonce: str, verifier: str) -> str:
    """Where the browser goes to sign in. Raises Unavailable."""
    address, _ = _client(provider, redirect_uri).create_authorization_url(
        _discovered(provider)["authorization_endpoint"],
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        response_mode="query",  # a form that is posted back would come without our cookie
    )
    return str(address)


def vouched_for(provider: Provider, redirect_uri: str, code: str, *, nonce: str, verifier: str) -> Vouched:
    """Whom the code is about. Raises NotAllowed where the answer is not sound, and Unavailable."""
    try:
        answer = _client(provider, redirect_uri).fetch_token(
            _discovered(provider)["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code"
        )
    except (AuthlibBaseError, ValueError) as error:
        raise NotAllowed(f"{provider.label} did not confirm the sign-in: try again.") from error
    except requests.RequestException as error:
        raise _silent(provider) from error
    claims = _claims(provider, str(answer.get("id_token", "")), nonce=nonce)
    return Vouched(provider.issuer, str(claims["sub"]), str(claims.get("sid", "")), claims)


def sign_out_address(provider: Provider, return_address: str) -> str:
    """Where a browser signs out there (RP-Initiated Logout 1.0, section 2); empty where the provider has no such place, or
    does not answer now."""
    try:
        place = str(_discovered(provider).get("end_session_endpoint", ""))
    except Unavailable:
        return ""
    if not place.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        return ""
    asked = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": return_address})
    return f"{place}{'&' if '?' in place else '?'}{asked}"


def signed_out(provider: Provider, logout_token: str) -> tuple[str, str]:
    """The subject and the `sid` of a logout token, either of which may be empty. Raises NotAllowed, Unavailable."""
    claims = _claims(provider, logout_token)
    events = claims.get("events")
    subject, session = str(claims.get("sub", "")), str(claims.get("sid", ""))
    if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims or not (subject or session):
        raise NotAllowed("This is no logout token.")
    return subject, session


def _client(provider: Provider, redirect_uri: str) -> Any:
    return OAuth2Session(
        provider.client_id,
        provider.client_secret.get_secret_value(),
        scope=provider.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        default_timeout=TIMEOUT_S,
    )


def _claims(provider: Provider, token: str, *, nonce: str = "") -> dict[str, Any]:
    """The claims of a token that the provider signed for us, and that holds now. Raises NotAllowed, Unavailable."""
    unsound = NotAllowed(f"What {provider.label} answered is not sound: try again.")
    decoded = None
    for fresh in (False, True):  # it may have begun to use another key
        try:
            keys = KeySet.import_key_set(_document(provider, _discovered(provider)["jwks_uri"], fresh=fresh))
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            break
        except (JoseError, ValueError, KeyError, TypeError):
            continue
    if decoded is None:
        raise unsound
    claims = decoded.claims
    must = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        iat={"essential": True},
        exp={"essential": bool(nonce)},
        sub={"essential": bool(nonce)},
    )
    try:
        must.validate(claims)
    except JoseError as error:
        raise unsound from error
    if nonce and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise unsound
    if claims.get("azp", provider.client_id) != provider.client_id or claims["iat"] < time.time() - 600:
        raise unsound
    return claims


def _discovered(provider: Provider) -> dict[str, Any]:
    """Its configuration. Raises Unavailable."""
    found: dict[str, Any] = _document(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise Unavailable(
            f"The configuration of {provider.label} is another issuer's: an administrator has to look at the setting."
        )
    return found


def _document(provider: Provider, address: str, *, fresh: bool = False) -> Any:
    """A JSON object at an address of the provider's; kept for ten minutes. Raises Unavailable."""
    kept = _documents.get(address)
    if kept is not None and not fresh and kept[0] > time.monotonic():
        return kept[1]
    try:
        with requests.get(address, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
            answer.raise_for_status()
            found = json.loads(answer.raw.read(MOST_BYTES, decode_content=True))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise _silent(provider) from error
    if not isinstance(found, dict):
        raise _silent(provider)
    _documents.put(address, (time.monotonic() + KEPT_S, found))
    return found


def _silent(provider: Provider) -> Unavailable:
    return Unavailable(f"{provider.label} does not answer now: try again in a moment, or sign in by another way.")

"""Signing in and out, and the links by which people come in."""

from datetime import timedelta

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.runtime import changes, context, principal, sessions
from app.runtime.accounts import attempts, model, passwords, service, store
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Forbidden, Invalid, NotAllowed, TooOften
from app.runtime.principal import digest
from app.web import layout, visits
from app.web.account import forms, provider

blueprint = Blueprint("signing_in", __name__, template_folder="templates")
WRONG = "The login name or the password is wrong, or the account is blocked."


@blueprint.get("/login")
def login_form() -> Response:
    """The form to sign in with; `next` is the page to go on to."""
    principal.of_page()
    return _login_page(request.args.get("next", ""))


@blueprint.post("/login")
def login() -> Response:
    """303 to where `next` leads, with a session of a new id; the page again where name and password do not fit."""
    forms.from_our_page()
    runtime, following = context.current(), forms.field("next", 2100)
    try:
        key, used_hash = check(runtime, forms.field("login"), forms.field("password", 1000))
    except (NotAllowed, Invalid):
        return _login_page(following, WRONG, 401)
    except TooOften as error:
        response = _login_page(following, error.sentence, 429)
        response.headers["Retry-After"] = str(max(1, round(error.wait_s)))
        return response
    new_hash = passwords.hashed(forms.field("password", 1000)) if passwords.is_outdated(used_hash) else ""
    with runtime.db.begin() as session:
        service.signed_in(session, key, at=runtime.clock(), old_hash=used_hash, new_hash=new_hash)
        return let_in(session, runtime, key, forms.local(following))


@blueprint.post("/logout")
def logout() -> Response:
    """The session ends. Safe to repeat. Who came in by a provider is led to where they can sign out there, too."""
    by, runtime = principal.of_page(), context.current()
    issuer = ""
    if by.session:
        with runtime.db.begin() as session:
            issuer = sessions.provider_of(session, by.account, by.session)
            sessions.end(session, by.account, by.session)
    vouched = next((one for one in runtime.settings.oidc if issuer and one.issuer == issuer), None)
    response = forms.to("/login", left=vouched.name) if vouched else forms.to("/")
    visits.clear(response, runtime.settings)
    return response


@blueprint.get("/join")
def join_form() -> Response:
    """The form that a link leads to. Its code stands behind the #, so that no server sees it before it is used."""
    principal.of_page()
    return _join_page()


@blueprint.post("/join")
def join() -> Response:
    """Set name and password by the code of a link, or, where that is allowed, make an account of one's own."""
    forms.from_our_page()
    runtime, code, name = context.current(), forms.field("code").strip(), forms.field("name")
    code = code.rpartition("#")[2]
    try:
        if forms.field("password", 1000) != forms.field("again", 1000):
            raise Invalid("The two passwords differ.", parameter="again")
        model.name_of(name)
        if not code:
            return _signed_up(runtime, name)
        with runtime.reads.begin() as session:
            if store.of_link(session, digest(code), runtime.clock()) is None:
                raise NotAllowed("This link was used already, or has expired: ask an administrator for another one.")
        password_hash = passwords.hashed(forms.field("password", 1000))
        with runtime.db.begin() as session:
            account = service.join(session, code, name, password_hash, at=runtime.clock(), address=principal.client_address())
            return let_in(session, runtime, account.key, "/account?done=joined")
    except DomainError as error:
        return _join_page(error.sentence, error)


def _signed_up(runtime: Runtime, name: str) -> Response:
    """Raises Forbidden, TooOften, Conflict, Invalid."""
    if runtime.settings.sign_up != "open":
        raise Forbidden("People come in here by invitation: use the link that you were sent, or ask for one.")
    login, at, address = model.login_of(forms.field("login")), runtime.clock(), principal.client_address()
    with runtime.db.begin() as session:
        attempts.begin_sign_up(session, address, at)
    password_hash = passwords.hashed(forms.field("password", 1000))
    with runtime.db.begin() as session:
        account = service.sign_up(session, login, name, password_hash, naan=runtime.settings.naan, at=at, address=address)
        return let_in(session, runtime, account.key, "/account?done=joined")


def check(runtime: Runtime, login: str, password: str) -> tuple[str, str]:
    """The key of the account, and the hash that its password fits.

    Unknown names, wrong passwords and blocked accounts take the same time and raise the same NotAllowed. Raises TooOften.
    """
    at, name = runtime.clock(), model.folded(login)[:300]
    with runtime.db.begin() as session:
        number = attempts.begin(session, name, principal.client_address(), at)
        row = store.by_login(session, name) if model.LOGIN.fullmatch(name) else None
        key, kept, active = (row.key, row.password_hash, row.state == "active") if row else ("", "", False)
    if not passwords.fits(kept, password) or not active:
        raise NotAllowed(WRONG)
    with runtime.db.begin() as session:
        attempts.succeed(session, number)
    return key, kept


def let_in(
    session: Session, runtime: Runtime, key: str, following: str, provider: str = "", provider_session: str = ""
) -> Response:
    """303 with the cookie of a new session; the one that the browser had before ends (against session fixation)."""
    if runtime.settings.address_days:
        changes.forget_old_addresses(session, runtime.clock() - timedelta(days=runtime.settings.address_days))
    former = request.cookies.get(principal.cookie_name(runtime.settings), "")
    standing = sessions.find(session, former, runtime.clock()) if former else None
    if standing is not None:
        sessions.end(session, standing.account_key, standing.digest)
    secret = sessions.begin(
        session,
        key,
        runtime.clock(),
        browser=request.headers.get("User-Agent", ""),
        provider=provider,
        provider_session=provider_session,
    )
    response = forms.to(following)
    visits.set_cookie(response, secret, runtime.settings)
    return response


def _login_page(following: str, wrong: str = "", status: int = 200) -> Response:
    settings = context.current().settings
    left = next((one for one in settings.oidc if one.name == request.args.get("left", "")), None)
    return layout.page(
        "login.html",
        left=left,
        sign_out=provider.sign_out_address(left, f"{settings.base_url}/login") if left else "",
        status=status,
        personal=True,
        following=forms.local(following) if following else "",
        wrong=wrong,
        login=request.form.get("login", "")[:100],
        sign_up=settings.sign_up == "open",
        providers=settings.oidc,
    )


def _join_page(wrong: str = "", error: DomainError | None = None) -> Response:
    status = 200 if error is None else 429 if isinstance(error, TooOften) else 403 if isinstance(error, Forbidden) else 400
    code, name, login = (request.form.get(field, "")[:200] for field in ("code", "name", "login"))
    return layout.page(
        "join.html",
        status=status,
        personal=True,
        wrong=wrong,
        sign_up=context.current().settings.sign_up == "open",
        shortest=passwords.SHORTEST,
        code=code,
        name=name,
        login=login,
    )

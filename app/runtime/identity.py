"""The name that distinguishes this hub from others; the same in all its processes."""

import hashlib

from sqlalchemy import make_url

from app.runtime.settings import Settings


def name(settings: Settings) -> str:
    """A digest of what a hub is known by: its database, without the password, its address and its name authority."""
    database = make_url(settings.database).render_as_string(hide_password=True)
    return hashlib.sha256(f"{database} {settings.base_url} {settings.naan}".encode()).hexdigest()[:16]

"""All settings, read once by the entry points from `LECTOTYPE_*` or `lectotype.toml` and handed down."""

import json
import os
import re
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

FIRST_SEGMENTS = frozenset(
    (
        ".well-known",
        "activity",
        "account",
        "accounts",
        "annotations",
        "api",
        "assets",
        "audit",
        "canvases",
        "datasets",
        "dumps",
        "embed",
        "embed.js",
        "exchange",
        "favicon.ico",
        "health",
        "iiif",
        "inbox",
        "join",
        "login",
        "logout",
        "masks",
        "members",
        "metrics",
        "notices",
        "ns",
        "oembed",
        "queries",
        "review",
        "robots.txt",
        "runs",
        "search",
        "segments",
        "similar",
        "sitemap",
        "sitemap.xml",
        "sparql",
        "specimens",
        "statements",
        "webhooks",
    )
)  # of every address of the hub, below its base URL


def _is_frame_source(word: str) -> bool:
    return word in ("*", "'none'", "'self'") or bool(
        re.fullmatch(r"https?://(\*\.)?[A-Za-z0-9.-]+(:(\d{1,5}|\*))?", word, re.ASCII)
    )


class Provider(BaseModel):
    """A provider of OpenID Connect. `roles_claim` names a claim of the ID token (`realm_access.roles`) whose values `roles` maps
    to a role and a collection, such as `curator BR/HERB`. With `sign_up` people whom it vouches for get an account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    label: str = Field(min_length=1, max_length=60)
    issuer: str = Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:|/|$))")
    client_id: str
    client_secret: SecretStr
    scope: str = "openid profile email"
    roles_claim: str = ""
    roles: dict[str, str] = {}
    sign_up: bool = False

    @model_validator(mode="after")
    def _roles_are_roles(self) -> Self:
        for said in self.roles.values():
            if not re.fullmatch(r"(reader|annotator|reviewer|curator|administrator) \S.*", said):
                raise ValueError(f"a role is written like `curator BR/HERB` or `reviewer all`, not {said!r}")
        if bool(self.roles) != bool(self.roles_claim):
            raise ValueError("roles_claim and roles go together")
        return self

    def shown(self) -> dict[str, Any]:
        """With its secret, for a child process."""
        return self.model_dump(mode="json") | {"client_secret": self.client_secret.get_secret_value()}


class Settings(BaseSettings):
    """One frozen tree; the description of each field is its documentation (docs/settings.md)."""

    model_config = SettingsConfigDict(env_prefix="LECTOTYPE_", toml_file="lectotype.toml", frozen=True, extra="forbid")

    base_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Public address, with a path or without; every id shown to the world starts with it.",
    )
    data_dir: Path = Field(default=Path("lectotype-data"), description="Folder for everything kept on disk.")
    database_url: str = Field(default="", description="SQLAlchemy address; empty: SQLite in the data folder.")
    search_url: str = Field(default="", description="Empty: tantivy in the data folder; `http://host:9200`: Elasticsearch 8.")
    search_index: str = Field(
        default="lectotype", description="Alias of the search index, so that several hubs may share a cluster."
    )
    broker_url: str = Field(default="", description="Empty: the jobs table; `redis://host:6379/0`: Redis.")
    blobs_url: str = Field(
        default="", description="Empty: a folder inside the data folder; otherwise the path of another folder."
    )
    naan: str = Field(
        default="99999", pattern=r"^\d{5,9}$", description="Name Assigning Authority Number of our ARKs (99999 is for tests)."
    )
    host: str = Field(default="127.0.0.1", description="Address that the web process listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that the web process listens on.")
    web_processes: int = Field(default=2, ge=1, description="Web worker processes.")
    web_threads: int = Field(
        default=16, ge=1, description="Threads of each web worker process; from 6 on, renders of all kinds leave tiles some."
    )
    worker_processes: int = Field(default=1, ge=1, description="Processes that run jobs.")
    worker_threads: int = Field(default=2, ge=1, description="Jobs that one worker process runs at a time.")
    max_pixels: int = Field(default=1_000_000_000, ge=1, description="Images of more pixels are refused.")
    max_file_bytes: int = Field(default=4_000_000_000, ge=1, description="Files of more bytes are refused.")
    max_rows: int = Field(default=50_000_000, ge=1, description="An ingest of a source ends after as many rows.")
    client_seconds: int = Field(
        default=60,
        ge=1,
        description="A connection is ended whose client takes or sends too little (1,000 bytes a second) for so long (Linux).",
    )
    max_body_bytes: int = Field(default=1_000_000, ge=1, description="HTTP request bodies of more bytes are refused.")
    max_import_bytes: int = Field(
        default=200_000_000, ge=1, description="Files of annotations that are sent to be imported may have as many bytes."
    )
    max_width: int = Field(default=16_000, ge=1, description="Pictures given out are at most so wide and so high, in pixels.")
    max_area: int = Field(default=36_000_000, ge=1, description="Pictures given out have at most so many pixels.")
    renders: int = Field(default=1, ge=1, description="Pictures that one web process renders at a time; stored tiles never wait.")
    render_queue: int = Field(
        default=12, ge=0, description="Pictures that may wait to be rendered in one web process; more are answered 503."
    )
    picture_cache_bytes: int = Field(
        default=4_000_000_000, ge=0, description="Rendered pictures are kept on disk up to so many bytes; 0: none are."
    )
    reduced_width: int = Field(
        default=1_000,
        ge=1,
        description="Images with reduced access are given out no larger than this on the longer side, in pixels.",
    )
    picture_metadata: str = Field(
        default="rights",
        pattern="^(none|rights|camera)$",
        description="What pictures carry in them: `none`; `rights`: creator, rights and the PID they come from; `camera`: also "
        "date, camera and lens from the EXIF of the original.",
    )
    picture_gps: bool = Field(
        default=False, description="Pictures that carry camera data also carry the place where they were taken."
    )
    original_files: bool = Field(
        default=True,
        description="The files of open images are given out as they came, with all that they carry (camera, place); not where "
        "a record withholds its place, nor where they are larger than `LECTOTYPE_MAX_WIDTH` and `LECTOTYPE_MAX_AREA` allow.",
    )
    show_withheld_places: bool = Field(
        default=False,
        description="Places that a record withholds or generalises are shown to everybody; otherwise to those alone who may see "
        "closed images of its collection.",
    )
    decode_seconds: int = Field(default=300, ge=1, description="Decoding one foreign image file may take so many seconds.")
    decode_bytes: int = Field(
        default=6_000_000_000, ge=500_000_000, description="Address space of the process that decodes a foreign image file."
    )
    migrate_without_backup: bool = Field(
        default=False,
        description="A database is migrated without a copy of it being made (SQLite) or asked for (PostgreSQL): something else "
        "makes backups.",
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Items on one page of a collection, container or listing.")
    require_if_match: bool = Field(default=False, description="Annotations are changed and deleted only with If-Match.")
    provider_name: str = Field(default="Lectotype", description="Who publishes: the provider in every manifest.")
    provider_url: str = Field(default="", description="Home page of the provider; empty: the base URL.")
    embed_ancestors: str = Field(
        default="*",
        description="Who may show the pages under `/embed` in frames: `*` everybody; `'none'`; or origins with spaces between, "
        "such as `https://museum.example https://*.museum.example` (the sources of CSP's `frame-ancestors`).",
    )
    mirador_url: str = Field(
        default="https://projectmirador.org/embed/?iiif-content=",
        description="Address that opens a manifest in Mirador; that of the manifest is put behind it. Empty: no such link.",
    )
    universal_viewer_url: str = Field(
        default="https://universalviewer.dev/#?iiifManifestId=",
        description="The same of Universal Viewer.",
    )
    sign_up: str = Field(
        default="closed",
        pattern="^(closed|open)$",
        description="`closed`: people come in by invitation; `open`: anybody may make an account, which has no role at first.",
    )
    oidc: tuple[Provider, ...] = Field(
        default=(),
        description="Providers of OpenID Connect by which people may sign in: a JSON list of objects with `name`, `label`, "
        "`issuer`, `client_id`, `client_secret`, and what docs/accounts.md names.",
    )
    sparql_seconds: int = Field(default=10, ge=1, le=300, description="A query of SPARQL is ended after so many seconds.")
    sparql_rows: int = Field(default=10_000, ge=1, description="The answer to one has at most so many rows, or triples.")
    sparql_bytes: int = Field(default=1_000_000_000, ge=500_000_000, description="Address space of the process that answers one.")
    sparql_at_once: int = Field(
        default=2, ge=0, le=64, description="Queries that are answered at once on one machine; more get 503. 0: none is answered."
    )
    proxy_hops: int = Field(
        default=0,
        ge=0,
        le=9,
        description="Reverse proxies of yours in front, each of which adds the client's address to `X-Forwarded-For`; with 0 "
        "that header is not read.",
    )
    address_days: int = Field(
        default=365,
        ge=0,
        description="Network addresses in the record of who changed what are forgotten after so many days; 0: never.",
    )
    webhook_private_addresses: bool = Field(
        default=False,
        description="Webhooks may lead to addresses that are not public, such as those of an inner network, and may be http.",
    )
    metrics_token: str = Field(
        default="", description="`/metrics` answers whoever sends this as Bearer token; empty: it answers nobody."
    )
    log_format: str = Field(default="text", pattern="^(text|json)$", description="`text` for people, `json` for machines.")
    log_access: bool = Field(default=False, description="Every answered request is written to the log.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("base_url")
    @classmethod
    def _a_public_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be what users type, such as https://hub.example.org or https://museum.example/collections")
        first = parts.path.strip("/").partition("/")[0]
        if first in FIRST_SEGMENTS or first.startswith("ark:"):
            raise ValueError(f"must not have a path that begins with /{first}, which the hub has itself: choose another path")
        return value.rstrip("/")

    @field_validator("mirador_url", "universal_viewer_url")
    @classmethod
    def _address_of_a_viewer(cls, value: str) -> str:
        if value and re.fullmatch(r"https?://[^\s\"<>]{1,500}", value) is None:
            raise ValueError("must be empty, or an http address that ends where that of a manifest is to follow")
        return value

    @field_validator("embed_ancestors")
    @classmethod
    def _sources_of_frames(cls, value: str) -> str:
        words = value.split()
        alone = {"*", "'none'"}
        if not words or (alone & set(words) and len(words) > 1) or not all(map(_is_frame_source, words)):
            raise ValueError("must be *, 'none', or origins such as https://museum.example with spaces between")
        return " ".join(words)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def database(self) -> str:
        """The database address with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'lectotype.db'}"

    @property
    def blobs_dir(self) -> Path:
        """Where blobs lie."""
        return Path(self.blobs_url) if self.blobs_url else self.data_dir / "blobs"

    @property
    def pictures_dir(self) -> Path:
        """Where rendered pictures are kept; it may be emptied at any time."""
        return self.data_dir / "cache" / "pictures"

    @property
    def index_dir(self) -> Path:
        """Where the embedded search index lies."""
        return self.data_dir / "index"

    def environment(self) -> dict[str, str]:
        """The environment in which a child process reads these very settings."""
        values = self.model_dump(mode="json") | {"data_dir": self.data_dir.resolve()}
        values |= {"oidc": json.dumps([one.shown() for one in self.oidc])}
        ours = {f"LECTOTYPE_{name.upper()}": str(value) for name, value in values.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LECTOTYPE_")}  # noqa: TID251 - its home
        return kept | ours

    def with_(self, **changes: object) -> Self:
        """A copy with other values, checked again."""
        return type(self)(**{**self.model_dump(), **changes})

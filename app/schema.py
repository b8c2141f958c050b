"""Every mapped table, composed: what the migrations lead to."""

from sqlalchemy import MetaData

import analytics.tables
import annotations.datasets.tables
import annotations.exchange.tables
import annotations.harvested.tables
import annotations.saved.tables
import annotations.segments.tables
import annotations.tables
import annotations.vectors.tables
import app.inbox.tables
import app.runtime.accounts_table
import app.runtime.activities
import app.runtime.changes
import app.runtime.derived_names
import app.runtime.events
import app.runtime.jobs_table
import app.runtime.outbox
import app.runtime.tokens_table
import app.webhooks.tables
import iiif.catalogue.tables
import iiif.harvest.tables
import iiif.ingest.tables
from app.runtime.db import Base

MODULES = (
    app.runtime.outbox,
    app.runtime.changes,
    app.runtime.activities,
    app.runtime.derived_names,
    app.runtime.events,
    app.runtime.accounts_table,
    app.runtime.tokens_table,
    app.inbox.tables,
    app.webhooks.tables,
    app.runtime.jobs_table,
    iiif.catalogue.tables,
    iiif.ingest.tables,
    iiif.harvest.tables,
    annotations.tables,
    annotations.harvested.tables,
    annotations.segments.tables,
    annotations.saved.tables,
    annotations.datasets.tables,
    annotations.vectors.tables,
    annotations.exchange.tables,
    analytics.tables,
)
METADATA: MetaData = Base.metadata

"""Which engine: tantivy in the data folder, or Elasticsearch where `search_url` says so."""

from collections.abc import Sequence

from app.runtime.search.port import Field, SearchEngine
from app.runtime.settings import Settings


def connect(settings: Settings, fields: Sequence[Field]) -> SearchEngine:
    """The engine of the settings. Nothing is asked of it, and no folder is made, before the first use."""
    if settings.search_url:
        from app.runtime.search.elasticsearch_engine import connect as connect_elasticsearch  # slow to import

        return connect_elasticsearch(settings.search_url, settings.search_index, fields)
    from app.runtime.search.tantivy_engine import TantivyEngine

    return TantivyEngine(settings.index_dir, fields)

"""Words: Darwin Core terms, JSON-LD contexts, persistent identifiers as things on the web."""

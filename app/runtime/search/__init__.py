"""Search engines behind one port: tantivy in a folder, or Elasticsearch 8."""

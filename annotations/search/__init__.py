"""Search over specimens and annotations: documents, queries, Content Search."""

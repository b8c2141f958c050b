"""Ingest: from files on disk to specimens and images. One file per kind of source; `load` takes what they yield."""

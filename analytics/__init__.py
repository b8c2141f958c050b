"""Pixels to statements: steps, pipelines as code, and runs of both."""

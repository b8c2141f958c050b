"""The Image API: from a request's text to geometry to pixels."""

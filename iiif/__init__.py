"""Pictures: the catalogue of specimens and media, the Image API, the Presentation API."""

"""How far people agree, as a page."""

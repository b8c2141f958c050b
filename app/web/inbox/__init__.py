"""The inbox over HTTP, and the page on which curators decide what of it is shown."""

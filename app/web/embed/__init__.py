"""A specimen in a page of somebody else: the page for its frame, oEmbed, the web component and how to share all of them."""

"""The page on which people draw on an image and correct what is drawn there, and the page of one statement."""

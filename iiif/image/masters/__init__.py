"""Foreign image files: decoded in a confined child, checked, and made into derivatives."""

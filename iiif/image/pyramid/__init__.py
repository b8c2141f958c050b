"""The stored form of an image: a zip of JPEG tiles, read at known places."""

"""What the libraries of the image server can do on this machine, for `lectotype doctor`."""

import importlib.util

import pyvips

NEEDED = tuple(f"{form}{what}" for form in ("jpeg", "png", "tiff", "webp", "heif", "gif") for what in ("load", "save"))
OLDEST = (8, 16)


def libvips() -> tuple[str, tuple[str, ...]]:
    """Its version, and those of the operations we need that it was built without."""
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    missing = [name for name in (*NEEDED, "dzsave") if pyvips.type_find("VipsOperation", name) == 0]
    return version, tuple(missing)


def is_libvips_recent() -> bool:
    return (pyvips.version(0), pyvips.version(1)) >= OLDEST


def cuts_losslessly() -> bool:
    """Whether parts of JPEG tiles are cut out without encoding them once more."""
    return importlib.util.find_spec("turbojpeg") is not None

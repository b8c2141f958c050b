"""Names of an image's files beside its picture: the same stem, in another folder."""

from pathlib import PurePosixPath

from annotations.exchange.model import ExchangeImage, Files

MOST_BYTES = 50_000_000  # of a file that is read whole


def stem(image: ExchangeImage) -> str:
    return PurePosixPath(image.path).stem


def beside(image: ExchangeImage, folder: str, suffix: str) -> str:
    """`labels/m1….txt` for `images/m1….jpg`."""
    return f"{folder}/{stem(image)}.{suffix}"


def whole(files: Files, name: str, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file. ValueError where it has more than so many."""
    with files.open(name) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"The file has more than {most:,} bytes.")
    return data


def text_of(files: Files, name: str, most: int = MOST_BYTES) -> str:
    """The file as UTF-8, with or without a mark. ValueError where it is none."""
    try:
        return whole(files, name, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("The file is not UTF-8.") from error

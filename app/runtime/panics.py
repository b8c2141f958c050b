"""Panics of libraries in Rust: what Python gets of one is no Exception, and of a class of its own in each library."""


def is_panic(error: BaseException) -> bool:
    """Whether the error is one, so that whoever called the library may go on without its answer."""
    return type(error).__name__ == "PanicException"

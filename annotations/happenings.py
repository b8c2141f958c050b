"""Where annotations lie, for events about them: also of those that were deleted or withdrawn."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations.tables import AnnotationTargetRow

AT_ONCE = 500
Lying = tuple[tuple[str, ...], tuple[str, ...]]  # keys of images, and of specimens that its targets name


def lying(session: Session, keys: Sequence[str]) -> dict[str, Lying]:
    """The images and specimens of each. What lies on all specimens of an image names the image, and one of them."""
    row = AnnotationTargetRow
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for start in range(0, len(keys), AT_ONCE):
        query = select(row.annotation_key, row.media_key, row.specimen_key).where(
            row.annotation_key.in_(keys[start : start + AT_ONCE])
        )
        for key, media_key, specimen_key in session.execute(query.order_by(row.annotation_key, row.position, row.place)):
            images, specimens = found.setdefault(key, ({}, {}))
            images |= {media_key: None} if media_key else {}
            specimens |= {specimen_key: None} if specimen_key else {}
    return {key: (tuple(images), tuple(specimens)) for key, (images, specimens) in found.items()}

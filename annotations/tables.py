"""Rows of annotations, of their targets, of their past versions, of what was withdrawn with a run, and of the queue."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, String, Text, false, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.runtime.db import Base, Json, JsonOrNull, Moment

EMPTY = sql("''")  # an empty text, as a default of the database


class AnnotationRow(Base):
    """The present version. `withdrawals` counts how often it was withdrawn or restored, `closings` how often an image that it
    is about was closed or opened again, and `judgements` how often its review state changed; the index knows the newer state
    by them.

    `state` is what `states.derive` says of it, `state_reason` why, and `state_at` since when; None for what nobody has judged.
    Verdicts on versions from `substance_version` on are about what stands now. `rests_on` is the first annotation that it was
    derived from, such as the ruler of a length; `annotation_bases` has all of them. `remakes` is the statement that a run made
    anew by this one, the first of them where it was made anew several times.

    `sealed`: people judge it blind, and it is not decided: what its voices come to is not told. `veil` is the key of such a
    statement, on a verdict or a correction of it, which is hidden with that.
    """

    __tablename__ = "annotations"
    __table_args__ = (
        Index(None, "deleted_at", "withdrawn_at", "key"),
        Index(None, "run_key", "withdrawn_at", "specimen_key", "key"),
        Index(None, "state", "deleted_at", "withdrawn_at", "key"),
        Index(None, "state", "kind", "deleted_at", "withdrawn_at", "key"),
        Index(None, "rests_on"),
        Index(None, "remakes"),
        Index("ix_annotations_veiled", "veil", sqlite_where=sql("veil != ''"), postgresql_where=sql("veil != ''")),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    etag: Mapped[str] = mapped_column(String(64))
    media_key: Mapped[str] = mapped_column(String(16))
    specimen_key: Mapped[str] = mapped_column(String(16))
    layer: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32), default="")
    motivations: Mapped[list[Any]] = mapped_column(Json)
    text: Mapped[str] = mapped_column(Text, default="")
    x0: Mapped[float | None] = mapped_column(Float)
    y0: Mapped[float | None] = mapped_column(Float)
    x1: Mapped[float | None] = mapped_column(Float)
    y1: Mapped[float | None] = mapped_column(Float)
    run_key: Mapped[str] = mapped_column(String(16), default="")
    confidence: Mapped[float | None] = mapped_column(Float)
    value: Mapped[float | None] = mapped_column(Float)
    unit: Mapped[str] = mapped_column(String(16), default="")
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    modified_at: Mapped[datetime] = mapped_column(Moment)
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawals: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    closings: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(16), default="unreviewed", server_default="unreviewed")
    state_reason: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    state_at: Mapped[datetime | None] = mapped_column(Moment)
    judgements: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    substance_version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    rests_on: Mapped[str] = mapped_column(String(64), default="", server_default=EMPTY)
    remakes: Mapped[str] = mapped_column(String(64), default="", server_default=EMPTY)
    sealed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    veil: Mapped[str] = mapped_column(String(64), default="", server_default=EMPTY)
    targets: Mapped[list["AnnotationTargetRow"]] = relationship(
        viewonly=True, lazy="selectin", order_by="(AnnotationTargetRow.position, AnnotationTargetRow.place)"
    )


class AnnotationTargetRow(Base):
    """A target of the present version, on one of the images and specimens that it lies on (`place` counts them from 0).

    `whole` marks what lies on every specimen that the image shows (see `placing`). The box is in canvas units. `frame` is the
    box of the segment, x,y,w,h, in which the selectors of a target on a segment's canvas count; empty for others. The
    rows of a deleted annotation stay, as what is said about it lies where it lay.
    """

    __tablename__ = "annotation_targets"
    __table_args__ = (
        Index(None, "kind", "key", "annotation_key"),
        Index(None, "media_key", "annotation_key"),
        Index(None, "specimen_key", "annotation_key"),
    )

    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(Integer, default=0)
    media_key: Mapped[str] = mapped_column(String(16), default="")
    specimen_key: Mapped[str] = mapped_column(String(16), default="")
    x0: Mapped[float | None] = mapped_column(Float)
    y0: Mapped[float | None] = mapped_column(Float)
    x1: Mapped[float | None] = mapped_column(Float)
    y1: Mapped[float | None] = mapped_column(Float)
    whole: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    frame: Mapped[str] = mapped_column(String(48), default="", server_default=EMPTY)


class BasisRow(Base):
    """That the present version of an annotation was derived from another."""

    __tablename__ = "annotation_bases"
    __table_args__ = (Index(None, "basis_key"),)

    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    basis_key: Mapped[str] = mapped_column(String(64), primary_key=True)


class AnnotationVersionRow(Base):
    """A version that was accepted once; never changed, never removed. That of a deletion has no document."""

    __tablename__ = "annotation_versions"

    key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    stored_at: Mapped[datetime] = mapped_column(Moment)
    stored_by: Mapped[str] = mapped_column(String(100), default="")  # name of the token, or the key of the run


class VerdictRow(Base):
    """What counting uses of an assessing annotation (`key`): who judged which version of what, as what, and how.

    `account` is the name of the principal; one verdict of each stands per annotation. `correction_key` is the statement that
    was put in place of what is judged, with the verdict; empty for none. `client_key` is what the client called the request.
    `kind` is that of the annotation. `independent`: it was given without knowing what others think. `gold`: a curator had decided
    before, and it only tells how its giver judges.
    """

    __tablename__ = "verdicts"
    __table_args__ = (
        Index(None, "annotation_key", "account"),
        Index(None, "correction_key"),
        Index(None, "account", "client_key"),
        Index(None, "kind", "given_at"),
        Index(None, "given_at"),
        Index(None, "kind", "role", "given_at"),
        Index("ix_verdicts_of_gold", "account", sqlite_where=sql("gold"), postgresql_where=sql("gold")),
    )

    key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"))
    kind: Mapped[str] = mapped_column(String(32), default="", server_default=EMPTY)
    independent: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    gold: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    version: Mapped[int] = mapped_column(Integer)
    account: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32), default="")
    correction_key: Mapped[str] = mapped_column(String(64), default="")
    client_key: Mapped[str] = mapped_column(String(64), default="")
    given_at: Mapped[datetime] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)


class QueueLineRow(Base):
    """What items of the queue have in common: kind and class, collection, and the review state in which they wait.

    `key` is a digest of these. `stated_class` is what a statement classifies its region as, and its kind where it does not.
    """

    __tablename__ = "queue_lines"
    __table_args__ = (Index(None, "kind"),)

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    stated_class: Mapped[str] = mapped_column(String(100))
    institution_code: Mapped[str] = mapped_column(String(255))
    collection_code: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))


class QueueItemRow(Base):
    """A statement that waits for verdicts; it follows from the statement (`annotations/waiting.py`), but for its lease.

    `version` is the `substance_version` that is asked about, `author` who wrote it, `disagreement` and `uncertainty` are from
    0 to 1. Until `leased_until` it is given to nobody but `leased_by`.
    """

    __tablename__ = "queue_items"
    __table_args__ = (
        *(Index(None, "line", order, "annotation_key") for order in ("gain", "uncertainty", "disagreement", "since")),
        Index(None, "media_key", "kind", "run_key", "annotation_key"),
        Index(None, "leased_by", "leased_until"),
    )

    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    line: Mapped[str] = mapped_column(ForeignKey("queue_lines.key"))
    media_key: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    run_key: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(Integer)
    gain: Mapped[float] = mapped_column(Float)
    uncertainty: Mapped[float] = mapped_column(Float)
    disagreement: Mapped[float] = mapped_column(Float)
    since: Mapped[datetime] = mapped_column(Moment)
    resting: Mapped[int] = mapped_column(Integer)
    leased_by: Mapped[str] = mapped_column(String(100), default="", server_default=EMPTY)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)


class QueueCountRow(Base):
    """A part of the number of items in a line: the number is the sum of all of them. Each change adds one; they are summed up
    now and then."""

    __tablename__ = "queue_counts"
    __table_args__ = (Index(None, "line", "change"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    line: Mapped[str] = mapped_column(ForeignKey("queue_lines.key"))
    change: Mapped[int] = mapped_column(Integer)


class QueueSkipRow(Base):
    """That somebody passed over a version; it is nothing but that, and no verdict."""

    __tablename__ = "queue_skips"

    account: Mapped[str] = mapped_column(String(100), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment)


class QueueGoldRow(Base):
    """That somebody was given a statement with a curator's decision among the items of the queue, to see how they judge.

    They hold it until `until`; None: they have passed it over or judged it, and are not given it again.
    """

    __tablename__ = "queue_gold"
    __table_args__ = (Index(None, "account", "until"),)

    account: Mapped[str] = mapped_column(String(100), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    until: Mapped[datetime | None] = mapped_column(Moment)


class VerdictBatchRow(Base):
    """Many verdicts that were asked for at once: by whom and by which rule (`asked`), on which statements (`chosen`: pairs of
    key and version), and when all were taken back."""

    __tablename__ = "verdict_batches"
    __table_args__ = (Index(None, "account", "client_key", unique=True),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str] = mapped_column(String(100))
    client_key: Mapped[str] = mapped_column(String(64))
    asked: Mapped[dict[str, Any]] = mapped_column(Json)
    chosen: Mapped[list[Any]] = mapped_column(Json)
    given_at: Mapped[datetime] = mapped_column(Moment)
    undone_at: Mapped[datetime | None] = mapped_column(Moment)


class ProposalRow(Base):
    """What queries need of a proposal (`key`): the term of which record gets which value, and its state, "gone" for one that does
    not stand. `value` is empty where what is proposed cannot be read as a value of the term."""

    __tablename__ = "proposals"
    __table_args__ = (
        Index(None, "specimen_key", "key"),
        Index(None, "state", "key"),
        Index(None, "state", "term", "key"),
        Index(None, "state", "institution_code", "key"),
        Index(None, "state", "institution_code", "collection_code", "key"),
        Index(None, "state", "term", "institution_code", "key"),
        Index("ix_proposals_state_term_collection", "state", "term", "institution_code", "collection_code", "key"),
    )

    key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    specimen_key: Mapped[str] = mapped_column(String(16))
    term: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(Text)
    verbatim: Mapped[str] = mapped_column(Text, default="")
    institution_code: Mapped[str] = mapped_column(String(255), default="")
    collection_code: Mapped[str] = mapped_column(String(255), default="")
    state: Mapped[str] = mapped_column(String(16))


class WithdrawalRow(Base):
    """A run whose statements are withdrawn: by whom, when and why."""

    __tablename__ = "withdrawals"

    run_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text, default="")


class MaskRow(Base):
    """A mask's file among the blobs. `came_at` is when it came in last."""

    __tablename__ = "masks"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    byte_size: Mapped[int] = mapped_column(Integer)
    came_at: Mapped[datetime] = mapped_column(Moment)


class MaskSenderRow(Base):
    """That somebody sent the file of the mask, and so has its bytes whatever it is of."""

    __tablename__ = "mask_senders"

    sha256: Mapped[str] = mapped_column(ForeignKey("masks.sha256"), primary_key=True)
    sender: Mapped[str] = mapped_column(String(100), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Moment)


class MaskUseRow(Base):
    """That some version of an annotation names the mask, on that image; never removed, as versions are not."""

    __tablename__ = "mask_uses"

    sha256: Mapped[str] = mapped_column(ForeignKey("masks.sha256"), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    media_key: Mapped[str] = mapped_column(String(16), primary_key=True)

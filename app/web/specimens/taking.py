"""Files of a specimen: its record and regions as tables, and its citation for programs that keep references."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from annotations import service as annotations
from app.runtime import context, principal
from app.runtime.http import depends_on
from app.runtime.principal import Principal
from app.web.specimens import citing, downloads, specimen_page, threads
from app.web.specimens.citing import FORMS
from iiif.catalogue import places, records
from iiif.catalogue import service as catalogue

blueprint = Blueprint("taking", __name__)
CSV = "text/csv; charset=utf-8"


@blueprint.get("/specimens/<key>/record.csv")
def record(key: str) -> Response:
    """The Darwin Core record as one row, as who asks sees it."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        specimen = places.as_seen(catalogue.get_specimen(session, key), by)
    return _file(downloads.record_csv(specimen, runtime.addresses), CSV, f"{specimen.key}.csv", by)


@blueprint.get("/specimens/<key>/regions.csv")
def regions(key: str) -> Response:
    """What is said of parts of its images, without what was rejected or superseded, and without talk."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        looked = specimen_page.look(session, key, by, runtime.addresses)
        found = [one for one in annotations.of_specimen(session, key, by=by) if not threads.is_comment(one)]
        _, people = specimen_page.people(session, found, (), runtime.addresses)
    media = {image.key: image for image in looked.seen if image.state == "ready"}
    table = downloads.regions_csv(found, media, people, runtime.addresses)
    return _file(table, CSV, f"{looked.specimen.key}-regions.csv", by)


@blueprint.get("/specimens/<key>/cite.<form>")
def cite(key: str, form: str) -> Response:
    """The citation as `bib`, `ris` or `json`."""
    by, runtime = principal.of_page(), context.current()
    for known in FORMS:
        if known == form:
            break
    else:
        raise NotFound(f"A citation is had as {', '.join(FORMS)}.")
    with runtime.reads.begin() as session:
        specimen = places.as_seen(catalogue.get_specimen(session, key), by)
        day = records.day_of(session, specimen)
    source = citing.source(specimen, runtime.settings.provider_name, runtime.addresses.pid(key), day)
    return _file(citing.written(source, known), citing.MEDIA_TYPES[known], f"{specimen.key}.{known}", by)


def _file(text: str, media_type: str, name: str, by: Principal) -> Response:
    response = Response(text, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.no_cache = True
    depends_on(response, by)
    response.add_etag()
    response.make_conditional(request)
    return response

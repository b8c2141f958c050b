// Segments as the editor draws them: each has a class and a shape, and keeps its key when it is redrawn. They come in the form of
// statements, so that all that draws those draws these.
import * as fields from "./fields.js";
import { Store } from "./store.js";

const AT_ONCE = 500;

export class SegmentStore extends Store {
  /** `me` is the address of who draws. */
  constructor(api, image, canvas, me) {
    super(api, image, canvas);
    Object.assign(this, { me, removes: false });
    this.words = { anew: "A new segment.", mine: "This segment keeps its name: what you keep is its next version.", draft: "-segment" };
  }

  missing(shape, said) {
    return !shape ? "Draw around the segment first." : said.label ? "" : "Say what it is: choose its class.";
  }

  async page(after) {
    const { told } = await this.ask("GET", `/api/segments?media=${this.image}&limit=${AT_ONCE}${after && `&after=${encodeURIComponent(after)}`}`);
    const next = told.next && new URL(told.next, location.href).searchParams.get("after");
    return { items: told.items.map((one) => this.item(one)), next };
  }

  item(segment) {
    const { key, classLabel, box } = segment;
    const [x, y, width, height] = box;
    return { key, layer: "people", kind: classLabel, text: `${width} × ${height} at ${x}, ${y}`, annotation: this.annotation(segment) };
  }

  annotation({ selector, class: name }) {
    const body = [{ type: "TextualBody", value: name, purpose: "tagging" }];
    return { motivation: "classifying", body, target: { source: this.canvas, selector: selector.at(-1) } };
  }

  async one(key) {
    const { told, etag } = await this.ask("GET", `/api/segments/${key}`);
    return { annotation: this.annotation(told), stored: { creator: this.me }, etag, version: told.version };
  }

  create(document) {
    return this.ask("POST", "/api/segments", { media: this.image, ...said(document) });
  }

  change(key, document, etag) {
    return this.ask("PATCH", `/api/segments/${key}`, said(document), { "If-Match": etag });
  }
}

function said(document) {
  return { class: fields.fieldsOf(document).label, selector: document.target.selector };
}

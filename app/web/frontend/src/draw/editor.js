// The editor of statements on an image: what is drawn, what is said beside it, and how both are kept. Other pages import `Editor`
// and hand it the same parts of a page (templates/editor.html).
import { Canvas } from "./canvas.js";
import { Corners } from "./corners.js";
import { Conflict } from "./conflict.js";
import * as fields from "./fields.js";
import * as shapes from "./shapes.js";
import { Drafts, Refused, Store } from "./store.js";

const NEW = "new";
const DRAFT_MS = 250;
const UNDONE = 50;
const START = 0.25; // of what is seen: a shape that is made without drawing it
const WAITING = { hole: "Draw around the hole, on the shape.", part: "Draw around the further part.", box: "Draw the box.", polygon: "Click each corner; a double click ends it.", ellipse: "Draw the ellipse." };

export class Editor {
  /** `root` holds the parts; its data say which image it is. `kept(key)` is called when something was stored. `store` is where
   * it is: statements, or segments (segments.js). */
  constructor(root, { kept = () => {}, store = null } = {}) {
    this.root = root;
    this.kept = kept;
    const { api, image, canvas, account } = root.dataset;
    this.store = store ?? new Store(api, image, canvas);
    this.drafts = new Drafts(account);
    this.form = root.querySelector("form");
    this.items = new Map();
    this.pages = [""]; // behind which key each page begins, up to the one that is shown
    this.undo = [];
    this.corners = new Corners(root, (shape) => this.reshape(shape));
    this.conflict = new Conflict(root, this);
  }

  async open() {
    const answer = await fetch(`${this.root.dataset.api}/iiif/3/${this.store.image}/info.json`);
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    const heard = { drawn: (tool, shape) => this.drawn(tool, shape), edited: (shape) => this.edited(shape), picked: (id) => this.picked(id) };
    const info = await answer.json();
    if (info.width !== Number(this.root.dataset.width)) throw new Refused(0, { detail: "You see a small picture of this image only, which cannot be drawn on." });
    this.root.classList.add("drawing");
    this.sheet = new Canvas(this.part("sheet"), info, heard);
    await this.sheet.opened;
    await this.load();
    this.form.addEventListener("input", (event) => this.typed(event));
    addEventListener("pagehide", () => this.draft());
    await this.begin(this.root.dataset.annotation || null);
    this.root.dataset.ready = "";
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  async load() {
    const { items, next } = await this.store.page(this.pages.at(-1));
    for (const item of items) item.shape = shapes.read(item.annotation.target.selector);
    this.items = new Map(items.map((item) => [item.key, item]));
    this.sheet.show(items.filter(({ shape }) => shape).map(({ key, layer, shape }) => ({ id: key, layer, shape })));
    this.list(next);
  }

  get isPaged() {
    return this.pages.length > 1 || this.following !== null;
  }

  /** Show the statements behind these, or those before; what is being edited stays. */
  async turn(step) {
    if (step > 0 && this.following) this.pages.push(this.following);
    else if (step < 0 && this.pages.length > 1) this.pages.pop();
    await this.load();
    this.draw();
    this.tell(this.part("paged").textContent);
  }

  list(next) {
    this.following = next;
    const named = [...this.items.values()].map((item) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "small" });
      const words = `${item.kind || "statement"}: ${item.text || "no words"}`;
      button.textContent = words.length > 80 ? `${words.slice(0, 79)}…` : words;
      button.dataset.pick = item.key;
      const line = document.createElement("li");
      line.append(button);
      return line;
    });
    this.part("list").replaceChildren(...named);
    const [count, at] = [named.length.toLocaleString("en"), this.pages.length];
    this.part("count").textContent = count;
    this.part("paged").textContent = `The sheet shows ${count} at once, page ${at}: ${next ? "there are more" : "there are no more behind these"}.`;
    this.part("pages").hidden = !this.isPaged;
    this.root.querySelector("[data-turn='-1']").disabled = at === 1;
    this.root.querySelector("[data-turn='1']").disabled = !next;
  }

  tell(words, wrong = false) {
    const told = this.part("told");
    told.textContent = words;
    told.classList.toggle("wrong", wrong);
  }

  // What is edited: `now` has the key (null for a new statement), what is stored, and what was made of it.

  /** Take a statement to be edited, or with null begin a new one. */
  async begin(key) {
    this.undo = [];
    this.conflict.close();
    const stands = key ? await this.standing(key) : { item: null, shape: null, fields: fields.EMPTY, etag: "", version: 0 };
    this.now = { key, ...stands, shape: stands.shape, kept: { shape: stands.shape, fields: stands.fields } };
    const draft = this.drafts.find(this.name());
    this.fill(draft?.fields ?? stands.fields);
    if (draft) await this.resume(draft);
    this.draw();
    if (key && this.now.shape) this.sheet.look(this.now.shape);
  }

  async standing(key) {
    const item = this.items.get(key) ?? { key, layer: "", kind: "" }; // one that is on another page, or has fallen
    const { annotation, stored, etag, version } = await this.store.one(key);
    const mine = item.layer !== "machine" && [stored.creator].flat().some((one) => (one?.id ?? one) === this.root.dataset.me);
    return { item: { ...item, annotation, stored, mine }, shape: shapes.read(annotation.target?.selector), fields: fields.fieldsOf(annotation), etag, version };
  }

  async resume(draft) {
    this.now.shape = draft.shape;
    if (draft.version !== this.now.version) {
      await this.conflict.open({ detail: "This was changed since you began." });
    } else {
      this.tell("What you had begun here is back. Esc puts back what is stored.");
    }
  }

  name() {
    return this.now.key ?? `${NEW}${this.store.words.draft}:${this.store.image}`;
  }

  id() {
    return this.now.key ?? NEW;
  }

  get shapeChanged() {
    const { shape, kept } = this.now;
    return JSON.stringify(shape && shapes.written(shape)) !== JSON.stringify(kept.shape && shapes.written(kept.shape));
  }

  get dirty() {
    const said = this.said();
    return this.shapeChanged || Object.keys(said).some((name) => said[name] !== this.now.kept.fields[name]);
  }

  said() {
    return Object.fromEntries(Object.keys(fields.EMPTY).map((name) => [name, this.form.elements[name].value.replaceAll("\r\n", "\n")]));
  }

  fill(said) {
    for (const [name, value] of Object.entries(said)) {
      const field = this.form.elements[name];
      if (field.tagName === "SELECT" && value && ![...field.options].some((one) => one.value === value)) field.add(new Option(value, value));
      field.value = value;
    }
  }

  /** The shape into sheet, fields and list of corners. */
  draw() {
    const { shape, item } = this.now;
    this.sheet.put(this.id(), shape, item?.layer ?? "people");
    this.show();
  }

  show() {
    const { shape, item, key } = this.now;
    const box = shape ? shapes.boxOf(shape) : {};
    for (const name of ["x", "y", "w", "h"]) this.form.elements[name].value = shape ? shapes.short(box[name]) : "";
    this.corners.show(shape);
    this.part("shape").textContent = shapes.called(shape);
    const who = item?.layer === "machine" ? "A machine" : "Somebody else";
    const { words, removes } = this.store;
    const whose = !key ? words.anew : item.mine ? words.mine : `${who} said this: what you keep is a correction in your name.`;
    this.part("whose").textContent = whose;
    this.root.querySelector('[data-do="remove"]').hidden = !removes || !key || !(item.mine || (item.layer === "people" && "curates" in this.root.dataset));
    for (const tool of ["hole", "part"]) this.root.querySelector(`[data-tool="${tool}"]`).disabled = !shape || !shapes.rings(shape).length;
    this.state();
  }

  state() {
    const { dirty } = this;
    this.sheet.hold(dirty);
    this.root.querySelector('[data-do="back"]').disabled = !dirty;
    this.root.toggleAttribute("data-dirty", dirty);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draft(), DRAFT_MS);
  }

  draft() {
    if (!this.dirty) return this.drafts.drop(this.name());
    this.drafts.put(this.name(), this.now.version, { shape: this.now.shape, fields: this.said() });
  }

  // What people do.

  typed({ target }) {
    if (["x", "y", "w", "h"].includes(target.name)) {
      const [x, y, w, h] = ["x", "y", "w", "h"].map((name) => this.form.elements[name].valueAsNumber);
      if ([x, y, w, h].every(Number.isFinite) && w >= 0 && h >= 0) {
        const old = this.now.shape;
        this.remember(old);
        this.now.shape = old ? shapes.inBox(old, { x, y, w, h }) : shapes.rectangle(x, y, w, h);
        this.sheet.put(this.id(), this.now.shape, this.now.item?.layer ?? "people");
        this.corners.show(this.now.shape);
      }
    }
    this.state();
  }

  remember(shape) {
    if (JSON.stringify(this.undo.at(-1)) !== JSON.stringify(shape)) this.undo = [...this.undo, shape].slice(-UNDONE);
  }

  /** By key or button: the sheet follows. */
  reshape(shape) {
    if (!shape) return this.tell("Nothing would be left of the shape: it stays as it is.");
    this.remember(this.now.shape);
    this.now.shape = shape;
    this.draw();
  }

  /** By pointer, on the sheet: the rest follows. */
  edited(shape) {
    this.remember(this.now.shape);
    this.now.shape = shape;
    this.show();
  }

  back() {
    const shape = this.undo.pop();
    if (shape === undefined) return this.tell("There is nothing to undo.");
    this.now.shape = shape;
    this.draw();
  }

  picked(id) {
    if (id === this.id()) return;
    if (this.dirty) {
      this.sheet.select(this.now.shape ? this.id() : null);
      this.tell("Keep this first, or put it back by Esc.");
    } else {
      this.attempt(() => this.begin(id === NEW ? null : id));
    }
  }

  /** A tool that was asked for by its button or key; `drawn` is whether a pointer is there to draw with. */
  take(tool, drawn) {
    if (this.root.querySelector(`[data-tool="${tool}"]`).disabled) return this.tell("Draw or choose a shape first.");
    this.sheet.stop();
    if (!drawn) return this.drawn(tool, this.start(tool));
    this.pressed(tool);
    this.sheet.draw(tool);
    this.tell(`${WAITING[tool]} Enter puts one in the middle, Esc gives it up.`);
  }

  pressed(tool) {
    for (const button of this.root.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  start(tool) {
    const [x, y, w, h] = this.sheet.middle(START);
    if (tool === "ellipse") return shapes.ellipse(x + w / 2, y + h / 2, w / 2, h / 2);
    if (tool !== "hole") return tool === "box" ? shapes.rectangle(x, y, w, h) : shapes.area(shapes.rings(shapes.rectangle(x, y, w, h)));
    const of = shapes.boxOf(this.now.shape);
    return shapes.area(shapes.rings(shapes.rectangle(of.x + of.w / 3, of.y + of.h / 3, of.w / 3, of.h / 3)));
  }

  drawn(tool, shape) {
    this.pressed("");
    const ring = shapes.rings(shape)[0];
    if (tool === "hole" || tool === "part") {
      const made = tool === "hole" ? shapes.without(this.now.shape, ring) : shapes.joined(this.now.shape, ring);
      this.reshape(made);
    } else {
      this.reshape(shape);
    }
    this.tell(`The shape is a ${shapes.called(this.now.shape)}. Enter keeps it, Esc puts back what is stored.`);
  }

  /** Put back what is stored. While something is drawn, that alone is given up. */
  async putBack() {
    if (this.sheet.tool) {
      this.sheet.stop();
      this.pressed("");
      this.sheet.select(this.now.shape ? this.id() : null);
      return this.tell("Nothing was drawn.");
    }
    this.drafts.drop(this.name());
    this.sheet.put(NEW, null);
    await this.begin(this.now.key);
    this.tell(this.now.key ? "This is what is stored." : "Begin anew.");
  }

  // How it is kept.

  document() {
    const { item, shape, key } = this.now;
    const said = this.said();
    const from = item?.annotation ?? {};
    const target = { source: this.store.canvas, ...(shape && { selector: shapes.written(shape) }) };
    const context = [`${this.root.dataset.base}/ns/1/context.jsonld`, "http://www.w3.org/ns/anno.jsonld"];
    const document = { ...(key ? from : { "@context": context, type: "Annotation" }), ...fields.withFields(from, said, item?.kind), target };
    if (!this.shapeChanged && key) document.target = item.mine ? from.target : item.stored.target;
    if (key && !item.mine) document["@context"] = context;
    return document;
  }

  async keep() {
    if (this.sheet.tool) return this.tell("End the shape first, by a double click, or give it up by Esc.");
    if (!this.dirty) return this.tell("Nothing was changed.");
    const said = this.said();
    if (said.value && !(Number.isFinite(Number(said.value)) && said.unit)) return this.tell("A number needs a unit, and a decimal point.", true);
    const missing = this.store.missing(this.now.shape, said);
    if (missing) return this.tell(missing, true);
    this.tell("It is being kept …");
    await this.attempt(async () => {
      const key = await this.send(said);
      this.drafts.drop(this.name());
      clearTimeout(this.timer);
      this.sheet.put(NEW, null);
      await this.load();
      await this.begin(this.items.has(key) || this.isPaged ? key : null);
      this.tell("Kept.");
      this.kept(key);
    });
  }

  async send(said) {
    const { key, item, etag, version, kept } = this.now;
    const keyOf = ({ told }) => told.id.split("/").at(-1);
    if (!key) return keyOf(await this.store.create(this.document()));
    if (item.mine) return keyOf(await this.store.change(key, this.document(), etag));
    const reason = fields.reasonOf(kept.fields, said, this.shapeChanged);
    const { told } = await this.store.correct(key, version, reason, this.document());
    return told.correction.split("/").at(-1);
  }

  async remove() {
    const { key, etag } = this.now;
    await this.attempt(async () => {
      await this.store.remove(key, etag);
      this.drafts.drop(key);
      await this.load();
      await this.begin(null);
      this.tell("It is deleted. Its versions stay, and it can be restored.");
    });
  }

  /** Do it; where the hub refuses, say why. Nothing that was drawn or written goes. */
  async attempt(work) {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 412) await this.conflict.open(error.problem);
      else this.tell(error.status === 401 ? `${error.message} What you drew is kept in this window.` : error.message, true);
    } finally {
      this.busy = false;
    }
  }

  destroy() {
    clearTimeout(this.timer);
    this.sheet?.destroy();
  }
}

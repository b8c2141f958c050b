// Somebody was faster: what stands now and what was made here stand beside one another, and nothing is lost.
import * as shapes from "./shapes.js";

const NAMES = { text: "Words", comment: "Comment", label: "Class", value: "Number", unit: "Unit" };

export class Conflict {
  constructor(root, editor) {
    this.editor = editor;
    this.box = root.querySelector('[data-part="conflict"]');
    this.box.querySelector('[data-do="mine"]').addEventListener("click", () => this.mine());
    this.box.querySelector('[data-do="theirs"]').addEventListener("click", () => this.theirs());
  }

  async open({ detail }) {
    const { editor } = this;
    const { key, shape } = editor.now;
    editor.drafts.put(editor.name(), editor.now.version, { shape, fields: editor.said() });
    const { items } = await editor.store.page(editor.pages.at(-1));
    for (const item of items) item.shape = shapes.read(item.annotation.target.selector);
    editor.items = new Map(items.map((item) => [item.key, item]));
    this.stands = await editor.standing(key);
    const [mine, theirs] = [editor.said(), this.stands.fields];
    const rows = Object.entries(NAMES).filter(([name]) => mine[name] || theirs[name]).map(([name, words]) => [words, mine[name], theirs[name]]);
    rows.push(["Shape", where(shape), where(this.stands.shape)]);
    this.box.querySelector('[data-part="happened"]').textContent = detail;
    this.box.querySelector("tbody").replaceChildren(...rows.map((row) => this.row(row)));
    this.box.hidden = false;
    this.box.focus();
  }

  row([words, mine, theirs]) {
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: words }));
    for (const text of [mine, theirs]) row.append(Object.assign(document.createElement("td"), { textContent: text || "—" }));
    row.classList.toggle("differs", mine !== theirs);
    return row;
  }

  close() {
    this.box.hidden = true;
  }

  /** What was made here is to stand: it goes over the version that stands now. */
  async mine() {
    const { editor } = this;
    const { item, etag, version, shape, fields: said } = this.stands;
    Object.assign(editor.now, { item, etag, version, kept: { shape, fields: said } });
    this.close();
    await editor.keep();
  }

  async theirs() {
    const { editor } = this;
    editor.drafts.drop(editor.name());
    await editor.load();
    await editor.begin(editor.now.key);
    editor.tell("This is what stands now.");
  }
}

function where(shape) {
  if (!shape) return "none";
  const { x, y, w, h } = shapes.boxOf(shape);
  return `${shapes.called(shape)}, at ${[x, y].map(Math.round).join(", ")}, ${[w, h].map(Math.round).join(" × ")}`;
}


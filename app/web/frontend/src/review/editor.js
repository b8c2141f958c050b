// Correcting a text line by line beside its crop, or a number with its unit. What comes out is a whole statement of one's own,
// with the place of the one that it corrects.
import { drafts } from "./kept.js";
import { newKey } from "./work.js";

const CHARACTERS = ["♂", "♀", "×", "°", "′", "″", "½", "ſ", "[…]"];
const LINE_PX = [560, 72];
const POORLY = 0.9;
const several = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

/** What of an item can be corrected here: "text", "number", or "" for nothing. */
export function corrects(item) {
  if (item.value !== null) return "number";
  return textBody(item.document) ? "text" : "";
}

function textBody(document) {
  return several(document?.body).find((body) => body?.type === "TextualBody" && typeof body.value === "string" && !["tagging", "classifying"].includes(body.purpose));
}

function details(document) {
  return several(document?.body).find((body) => body?.details)?.details ?? {};
}

/** The whole statement that says these bodies in place of the item's. */
export function instead(item, body) {
  const { motivation, target, "@context": context } = item.document;
  return { "@context": context, type: "Annotation", motivation, target, body };
}

/** Of version 4 (RFC 9562), also on http, where `crypto.randomUUID` is not there. */
function uuid() {
  const hex = newKey();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

export class Editor {
  constructor(element, stage, root, account) {
    Object.assign(this, { element, stage, root, account, item: null });
    element.addEventListener("input", () => this.item && drafts.write(this.account, this.item, this.values()));
    element.addEventListener("focusin", ({ target }) => this.stage.light(target.dataset.box ? target.dataset.box.split(",").map(Number) : null));
  }

  /** Open the fields of an item; `done(correction, reason, next)` is called to save, `left()` to leave. */
  open(item, done, left) {
    Object.assign(this, { item, done, left });
    const what = corrects(item);
    const heading = Object.assign(document.createElement("h2"), { textContent: what === "number" ? "What is right" : "What stands there" });
    const fields = what === "number" ? this.number(item) : this.text(item);
    const draft = drafts.read(this.account, item);
    this.element.replaceChildren(heading, ...fields, this.steps());
    this.element.hidden = false;
    if (draft) [...this.inputs()].forEach((input, at) => (input.value = draft[at] ?? input.value));
    this.inputs()[0].focus();
    this.inputs()[0].select?.();
  }

  close() {
    this.item = null;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.stage.light(null);
  }

  get isOpen() {
    return this.item !== null;
  }

  inputs() {
    return this.element.querySelectorAll("input, textarea");
  }

  values() {
    return [...this.inputs()].map((input) => input.value);
  }

  /** Keys inside the fields. */
  key(event) {
    const held = event.ctrlKey || event.metaKey;
    if (event.isComposing) return;
    if (event.key === "Escape") this.leave(event);
    else if (held && (event.key.toLowerCase() === "s" || event.key === "Enter")) {
      event.preventDefault();
      this.save(event.key === "Enter");
    }
  }

  leave(event) {
    event?.preventDefault();
    this.close();
    this.left();
  }

  save(next) {
    const { item } = this;
    const correction = corrects(item) === "number" ? this.asNumber() : this.asText();
    if (!correction) return;
    drafts.write(this.account, item, null);
    this.close();
    this.done(correction, corrects(item) === "number" ? "wrong value" : "wrong text", next);
  }

  asText() {
    const body = textBody(this.item.document);
    const value = this.values().join("\n");
    if (!value.trim()) return this.wrong("Where nothing stands, leave this and press “Nothing here”.");
    if (value === body.value) return this.wrong("That is what stands there already.");
    const kept = Object.fromEntries(["type", "format", "purpose", "language", "textGranularity"].filter((name) => name in body).map((name) => [name, body[name]]));
    return instead(this.item, [{ ...kept, value }, { type: "TextualBody", value: this.item.kind, purpose: "tagging", language: "en" }]);
  }

  asNumber() {
    const [text, unit] = this.values().map((value) => value.trim());
    const value = Number(text.replace(",", "."));
    if (text === "" || !Number.isFinite(value)) return this.wrong("A number is written like 21.4.");
    if (!unit) return this.wrong("A number needs its unit.");
    if (value === this.item.value && unit === this.item.unit) return this.wrong("That is what is said already.");
    const assertion = { id: `urn:uuid:${uuid()}`, type: "dwc:Assertion", "dwc:assertionType": this.item.kind, "dwc:assertionValue": String(value), "dwc:assertionUnit": unit };
    return instead(this.item, [
      { type: "TextualBody", value: `${value} ${unit}`, format: "text/plain", purpose: "describing", language: "en" },
      { type: "TextualBody", value: this.item.kind, purpose: "tagging", language: "en" },
      assertion,
    ]);
  }

  wrong(words) {
    this.element.querySelector("[role=alert]").textContent = words;
    return null;
  }

  number(item) {
    const pair = Object.assign(document.createElement("div"), { className: "pair" });
    for (const [name, value] of [["Number", String(item.value)], ["Unit", item.unit]]) {
      const label = Object.assign(document.createElement("label"), { textContent: name });
      label.append(Object.assign(document.createElement("input"), { value, maxLength: 30, inputMode: name === "Number" ? "decimal" : "text", autocapitalize: "none", spellcheck: false }));
      pair.append(label);
    }
    return [pair];
  }

  /** A field for each line that was read, below its piece of the picture; one for all where lines are not known. */
  text(item) {
    const whole = textBody(item.document).value;
    const { lines = [], turnedDegrees = 0 } = details(item.document);
    const texts = whole.split("\n");
    const known = lines.length === texts.length && lines.every(({ xywh }) => typeof xywh === "string");
    const fields = known
      ? texts.map((text, at) => this.line(item, text, lines[at], turnedDegrees, at + 1))
      : [this.field(Object.assign(document.createElement("textarea"), { value: whole, rows: Math.min(12, texts.length + 1) }), "The text")];
    return [this.characters(), ...fields];
  }

  line(item, text, { xywh, confidence }, turned, number) {
    const input = Object.assign(document.createElement("input"), { value: text, autocapitalize: "none", spellcheck: false, autocomplete: "off" });
    input.dataset.box = xywh;
    const field = this.field(input, `Line ${number}`);
    const [x, y, w, h] = xywh.split(",").map(Number);
    if (item.image?.shown && [0, 90, 180, 270].includes(turned)) {
      const margin = Math.round(h / 5);
      const region = [Math.max(0, Math.floor(x) - margin), Math.max(0, Math.floor(y) - margin), Math.ceil(w) + 2 * margin, Math.ceil(h) + 2 * margin];
      const scale = Math.min(1, LINE_PX[0] / region[2]) || 1;
      const size = `!${Math.round(region[2] * scale)},${Math.max(LINE_PX[1], Math.round(region[3] * scale))}`;
      field.prepend(Object.assign(new Image(), { src: `${this.root}/iiif/3/${item.image.key}/${region}/${size}/${turned}/default.jpg`, alt: `Line ${number} on the sheet` }));
    }
    if (typeof confidence === "number" && confidence < POORLY) field.append(Object.assign(document.createElement("span"), { className: "poor", textContent: "read poorly" }));
    return field;
  }

  field(input, name) {
    input.setAttribute("aria-label", name);
    const field = Object.assign(document.createElement("div"), { className: "line" });
    field.append(input);
    return field;
  }

  characters() {
    const bar = Object.assign(document.createElement("div"), { className: "characters" });
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Characters");
    let last = null;
    this.element.addEventListener("focusin", ({ target }) => target.matches("input, textarea") && (last = target));
    for (const sign of CHARACTERS) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: sign });
      button.addEventListener("click", () => {
        const field = last ?? this.inputs()[0];
        field.setRangeText(sign, field.selectionStart, field.selectionEnd, "end");
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.focus();
      });
      bar.append(button);
    }
    return bar;
  }

  steps() {
    const steps = Object.assign(document.createElement("div"), { className: "steps" });
    for (const [words, act] of [["Save and go on", () => this.save(true)], ["Save", () => this.save(false)], ["Leave", () => this.leave()]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: words, className: words === "Save and go on" ? "" : "small" });
      button.addEventListener("click", act);
      steps.append(button);
    }
    const alert = document.createElement("p");
    alert.setAttribute("role", "alert");
    const all = document.createElement("div");
    all.append(alert, steps);
    return all;
  }
}

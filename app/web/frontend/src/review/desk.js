// One item at a time. Verdicts are written behind: the next item is there at once, and what was not kept comes back.
import { Editor, corrects, instead } from "./editor.js";
import { Kept } from "./kept.js";
import { Keys } from "./keys.js";
import { beside, choices, claim, failure } from "./panel.js";
import { Stage } from "./stage.js";
import { Work } from "./work.js";

const TAKEN = 10;
const AHEAD = 5;
const STEP = 0.12; // of the view

export class Desk {
  constructor(element) {
    const { root, kind, order, account, reasons, classes } = element.dataset;
    this.element = element;
    this.root = root;
    this.reasons = reasons.split("|");
    this.classes = classes ? classes.split("|") : [];
    this.part = (id) => document.getElementById(id);
    this.kept = new Kept(account);
    this.keys = new Keys(this.kept);
    this.stage = new Stage(this.part("stage"), root);
    this.editor = new Editor(this.part("editor"), this.stage, root, account);
    const asked = { kind, order, class: element.dataset.class, collection: element.dataset.collection };
    this.items = []; // in the order in which they came
    this.given = new Map(); // key of an item → the verdict that was given here
    this.passed = new Set();
    this.at = -1;
    this.painted = false;
    this.taking = null;
    this.comment = "";
    this.choose = null; // what a digit, or Enter, chooses just now
    this.work = new Work(root, asked, this.kept, { failed: (given, error) => this.comeBack(given, error) });
    this.work.held = () => this.items.filter((item) => !this.given.has(item.key) && !this.passed.has(item.key)).map(({ key }) => key);
    this.doing = {
      accept: () => this.accept(), reject: () => this.reject(), unsure: () => this.judge({ verdict: "uncertain" }),
      nothing: () => this.judge({ verdict: "rejected", reason: "nothing there" }), shape: () => this.shape(), text: () => this.correct(),
      next: (event) => this.next(event), previous: (event) => this.previous(event), undo: () => this.undo(), fit: () => this.stage.fit(),
      nearer: () => this.stage.zoom(1.5), farther: () => this.stage.zoom(1 / 1.5), first: () => this.stage.first(),
      comment: () => this.say(), keys: () => this.keys.show(), hide: () => this.stage.hide(true),
    };
  }

  async begin() {
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("keyup", () => this.stage.hide(false));
    this.element.addEventListener("focusout", () => this.stage.hide(false));
    this.element.addEventListener("click", ({ target, timeStamp }) => {
      const action = target.closest("[data-do]")?.dataset.do;
      if (action) this.act(action, timeStamp);
    });
    this.keys.list();
    this.element.focus({ preventScroll: true });
    await this.more();
    this.go(0);
  }

  get item() {
    return this.items[this.at] ?? null;
  }

  key(event) {
    if (event.target.closest("#editor")) return this.editor.key(event);
    if (event.key === "Escape" && this.choose) return this.leaveChoice();
    if (event.isComposing || event.target.closest("input, textarea, select")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return void this.undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow")) return this.arrow(event);
    if (this.choose && (/^[1-9]$/.test(event.key) || (event.key === "Enter" && !event.target.closest("button")))) {
      event.preventDefault();
      return this.choose(event.key === "Enter" ? "" : event.key);
    }
    if (/^[1-9]$/.test(event.key)) return this.kept.value.on && this.reclassify(Number(event.key));
    const action = this.keys.action(event);
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || ["nearer", "farther", "hide"].includes(action)) this.act(action, event.timeStamp);
  }

  arrow(event) {
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.shiftKey) this.stage.move(across * STEP, down * STEP);
    else if (across && this.kept.value.on) this.act(across > 0 ? "next" : "previous", event.timeStamp);
    else return;
    event.preventDefault();
  }

  act(action, at) {
    this.pressed = at;
    this.leaveChoice();
    this.doing[action]();
  }

  tell(words) {
    this.part("told").textContent = words;
  }

  /** Show the item at that place; how long it took from the key to the painted picture is kept as a measure. */
  async go(at) {
    const pressed = this.pressed;
    this.pressed = undefined;
    this.at = at;
    this.comment = "";
    this.editor.isOpen && this.editor.close();
    this.setPainted(false);
    const { item } = this;
    if (!item) return this.nothing();
    this.part("claim").replaceChildren(claim(item, this.given.get(item.key)));
    this.part("beside").replaceChildren(beside(item, this.root));
    const shown = this.stage.show(item);
    if (!this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true }); // a button that is gone had it
    this.tell(`${item.class}: ${item.text.slice(0, 200)}`);
    const painted = await shown;
    if (this.item !== item) return;
    this.setPainted(painted);
    if (painted && pressed !== undefined) performance.measure("key to picture", { start: pressed, end: performance.now() });
    this.stage.ahead(this.items.slice(at + 1, at + 1 + AHEAD));
    if (this.items.length - at <= AHEAD) this.more().then(() => this.item === item && this.stage.ahead(this.items.slice(at + 1, at + 1 + AHEAD)));
  }

  setPainted(painted) {
    this.painted = painted;
    this.element.querySelector("[data-do=accept]").setAttribute("aria-disabled", String(!painted));
    this.element.toggleAttribute("data-painted", painted);
  }

  nothing() {
    this.stage.show(null);
    this.stage.say("Nothing more waits here for you.");
    this.part("claim").replaceChildren();
    this.part("beside").replaceChildren();
    this.tell("Nothing more waits here for you.");
  }

  /** Take more items behind those that are here; one request at a time. */
  more() {
    this.taking ??= this.work
      .take(TAKEN)
      .then((items) => this.items.push(...items.filter(({ key }) => !this.items.some((one) => one.key === key && !this.given.has(key)))))
      .catch((error) => this.warn(error.message))
      .finally(() => (this.taking = null));
    return this.taking;
  }

  warn(words) {
    this.part("failed").replaceChildren(Object.assign(document.createElement("p"), { className: "notice wrong", textContent: words }));
  }

  async onward() {
    const following = this.items.findIndex((item, at) => at > this.at && !this.given.has(item.key));
    if (following >= 0) return this.go(following);
    if (!this.work.end || this.taking) await this.more();
    const came = this.items.findIndex((item, at) => at > this.at && !this.given.has(item.key));
    return this.go(came >= 0 ? came : this.items.length);
  }

  next() {
    const { item } = this;
    if (item && !this.given.has(item.key) && !this.passed.has(item.key)) {
      this.passed.add(item.key);
      this.work.pass(item);
    }
    return this.onward();
  }

  previous() {
    if (this.at > 0) this.go(this.at - 1);
    else this.tell("This is the first.");
  }

  accept() {
    if (!this.painted) return this.tell("The picture is not there yet: look at it first.");
    this.judge({ verdict: "approved" });
  }

  judge(verdict, stay = false) {
    const { item } = this;
    if (!item) return;
    this.work.give(item, { ...verdict, ...(this.comment ? { comment: this.comment } : {}) });
    this.given.set(item.key, verdict.verdict);
    this.element.focus({ preventScroll: true });
    if (stay) this.go(this.at);
    else this.onward();
  }

  reject() {
    if (!this.item) return;
    this.offer("Why is it wrong?", this.reasons, "No reason (Enter)", (reason) => this.judge({ verdict: "rejected", reason }));
  }

  reclassify(number) {
    const name = this.classes[number - 1];
    if (!name || !this.item) return this.tell("There is no such class here.");
    const kept = [this.item.document.body].flat().filter((body) => body && body.purpose !== "classifying");
    const correction = instead(this.item, [...kept, { type: "TextualBody", value: name, purpose: "classifying" }]);
    this.judge({ verdict: "rejected", reason: "wrong class", correction });
  }

  offer(title, values, none, chosen) {
    const done = (value) => {
      this.leaveChoice();
      chosen(value);
    };
    this.choose = (digit) => (digit === "" ? done("") : values[Number(digit) - 1] && done(values[Number(digit) - 1]));
    this.part("choices").replaceChildren(...choices(title, values, none, done, () => this.leaveChoice()));
    this.part("choices").hidden = false;
    this.element.focus({ preventScroll: true });
    this.tell(`${title} ${values.map((value, at) => `${at + 1} ${value}`).join(", ")}`);
  }

  leaveChoice() {
    this.choose = null;
    this.part("choices").hidden = true;
    this.part("choices").replaceChildren();
  }

  correct() {
    if (!this.item) return;
    if (!corrects(this.item)) return this.tell("There is no text and no number here to correct.");
    const done = (correction, reason, next) => this.judge({ verdict: "rejected", reason, correction }, !next);
    this.editor.open(this.item, done, () => this.element.focus({ preventScroll: true }));
  }

  /** The editor of shapes is a page of its own, which comes back here. */
  shape() {
    const { item } = this;
    if (!item?.specimen || !item.image) return this.tell("This has no place on an image.");
    const next = `${location.pathname.slice(this.root.length)}${location.search}`;
    location.assign(`${this.root}/specimens/${item.specimen}/draw/${item.image.key}?${new URLSearchParams({ annotation: item.key, next })}`);
  }

  say() {
    const field = Object.assign(document.createElement("textarea"), { value: this.comment, rows: 3, maxLength: 5000 });
    field.setAttribute("aria-label", "Comment, sent with your verdict");
    field.addEventListener("input", () => (this.comment = field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
      event.preventDefault();
      event.stopPropagation();
      this.part("choices").hidden = true;
      this.element.focus({ preventScroll: true });
    });
    const title = Object.assign(document.createElement("h2"), { textContent: "Comment, sent with your verdict" });
    this.part("choices").replaceChildren(title, field);
    this.part("choices").hidden = false;
    field.focus();
  }

  async undo() {
    try {
      const item = await this.work.undo();
      if (!item) return this.tell("There is nothing to undo.");
      this.given.delete(item.key);
      this.passed.delete(item.key);
      this.put(item);
      this.tell("The last verdict is taken back.");
    } catch (error) {
      this.warn(`It could not be taken back: ${error.message}`);
    }
  }

  /** Bring an item before the person again, where it was, or before the present one. */
  put(item) {
    const there = this.items.findIndex(({ key }) => key === item.key);
    if (there >= 0) return this.go(there);
    const place = Math.max(this.at, 0);
    this.items.splice(place, 0, item);
    return this.go(place);
  }

  comeBack(given, error) {
    this.given.delete(given.item.key);
    if (this.item?.key === given.item.key) this.part("claim").replaceChildren(claim(this.item, undefined));
    const again = () => {
      this.part("failed").replaceChildren();
      this.put(given.item);
    };
    this.part("failed").append(failure(given, error, again));
  }
}

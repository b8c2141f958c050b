// The corners of a shape as a list of buttons: Tab goes from one to the next, arrows move, Backspace removes. For the keyboard, for
// screen readers, and for fingers, which have buttons to add and to remove one.
import * as shapes from "./shapes.js";

const AT_ONCE = 60;
const FAR = 10;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Corners {
  /** `change` is handed the shape as it is then, or null where nothing would be left. */
  constructor(root, change) {
    this.list = root.querySelector('[data-part="corners"]');
    this.pager = root.querySelector('[data-part="corner-pages"]');
    this.change = change;
    this.first = 0;
    this.shape = null;
    this.list.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("focusin", ({ target }) => { this.at = Number(target.dataset.corner ?? this.at); });
    root.querySelector('[data-do="add-corner"]').addEventListener("click", () => this.add());
    root.querySelector('[data-do="drop-corner"]').addEventListener("click", () => this.drop());
    for (const button of this.pager.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        this.first += Number(button.dataset.step) * AT_ONCE;
        this.show(this.shape);
      });
    }
  }

  show(shape) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.corner : null;
    this.shape = shape;
    this.all = shape ? shapes.corners(shape) : [];
    if (this.first >= this.all.length) this.first = 0;
    const shown = this.all.slice(this.first, this.first + AT_ONCE);
    const whole = shape ? [this.button(-1, "The whole shape")] : [];
    const several = new Set(this.all.map(({ ring }) => ring)).size > 1;
    const named = shown.map(({ ring, at, x, y }, place) =>
      this.button(this.first + place, `${several ? `Ring ${ring + 1}, ` : ""}corner ${at + 1}: ${x.toFixed(1)}, ${y.toFixed(1)}`));
    this.list.replaceChildren(...[...whole, ...named].map((button) => {
      const line = document.createElement("li");
      line.append(button);
      return line;
    }));
    this.pager.hidden = this.all.length <= AT_ONCE;
    if (focused !== null) this.list.querySelector(`[data-corner="${Math.min(Number(focused), this.all.length - 1)}"]`)?.focus({ preventScroll: true });
  }

  button(corner, words) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small corner", textContent: words });
    button.dataset.corner = corner;
    return button;
  }

  pressed(event) {
    const corner = this.all[this.at];
    const arrow = ARROWS[event.key];
    if (!this.shape || event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow) {
      const [dx, dy] = arrow.map((step) => step * (event.shiftKey ? FAR : 1));
      this.change(corner ? shapes.withCornerMoved(this.shape, corner, dx, dy) : shapes.moved(this.shape, dx, dy));
    } else if (event.key === "Backspace" || event.key === "Delete") {
      this.drop();
    } else if (event.key === "Insert" || event.key === "+") {
      this.add();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  add() {
    const corner = this.all?.[this.at] ?? this.all?.[0];
    if (corner) this.change(shapes.withCornerAdded(this.shape, corner));
  }

  drop() {
    const corner = this.all?.[this.at];
    if (corner) this.change(shapes.withoutCorner(this.shape, corner));
  }
}

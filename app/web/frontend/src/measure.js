// A line on the sheet, laid by mouse, touch or keyboard: two ends in canvas units that follow the image as it moves. The length is
// reckoned as the server does it (measured_lines.py); what is kept is what the server reckons.
import { Point } from "openseadragon";

const SVG = "http://www.w3.org/2000/svg";
const REACH_PX = 22; // of a finger around an end
const NAMES = ["x0", "y0", "x1", "y1"];

class Tool {
  #panel = null;
  #sheet = null;
  #drawn = null;
  #laying = false;
  #held = -1;

  get #form() {
    return this.#panel.querySelector("form");
  }

  /** The ends that are known, [[x, y], …]. */
  get #ends() {
    const { elements } = this.#form;
    const numbers = NAMES.map((name) => (elements[name].value === "" ? NaN : Number(elements[name].value)));
    return [numbers.slice(0, 2), numbers.slice(2)].filter((end) => end.every(Number.isFinite));
  }

  async begin(panel) {
    this.#panel = panel;
    panel.addEventListener("input", this.#redraw);
    const hint = panel.querySelector(".hint");
    hint.textContent = "Waiting for the image …";
    const holder = document.getElementById("viewer");
    if (!holder) return;
    if (!holder.desk) await new Promise((open) => holder.addEventListener("desk", open, { once: true }));
    if (!panel.open) return;
    this.#follow(holder.desk.canvas());
    this.#sheet = holder.desk.sheet();
    if (!this.#sheet) return;
    this.#draw();
    hint.textContent =
      "Press where the line begins and drag to its end, or tap both ends. With the keyboard: arrows move the ends (Shift: ten times as far).";
    holder.scrollIntoView({ block: "nearest" });
  }

  end() {
    if (!this.#panel) return;
    this.#panel.removeEventListener("input", this.#redraw);
    this.#panel.open = false;
    this.#sheet?.removeHandler("update-viewport", this.#redraw);
    this.#drawn?.remove();
    this.#sheet = this.#drawn = null;
    for (const name of NAMES) this.#form.elements[name].value = "";
    this.#panel.querySelector("output").textContent = "";
  }

  /** The image that is open is the one that is measured. */
  #follow(canvas) {
    const option = [...this.#form.querySelectorAll("option")].find((one) => one.dataset.canvas === canvas);
    if (option) option.selected = true;
  }

  get #scale() {
    const { media } = this.#form.elements;
    const { scale, uncertainty } = (media.selectedOptions?.[0] ?? media).dataset;
    return { perMm: Number(scale), uncertainty: Number(uncertainty) };
  }

  #draw() {
    const layer = document.createElement("div");
    layer.className = "ruling";
    layer.innerHTML = `<svg xmlns="${SVG}" aria-hidden="true"><line class="under"/><line/></svg>`;
    for (const [index, name] of ["beginning", "end"].entries()) {
      const end = document.createElement("button");
      end.type = "button";
      end.dataset.end = index;
      end.setAttribute("aria-label", `The ${name} of the line: arrows move it`);
      end.addEventListener("keydown", (event) => this.#key(event, index));
      layer.append(end);
    }
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      layer.addEventListener(name, (event) => this[`_${name}`](event));
    }
    this.#sheet.container.append(layer);
    this.#drawn = layer;
    this.#sheet.addHandler("update-viewport", this.#redraw);
    if (!this.#ends.length) this.#begun();
    this.#redraw();
    layer.querySelector("button").focus({ preventScroll: true });
  }

  // For who has no pointer the line lies in the middle of what is seen.
  #begun() {
    const { x, y, width, height } = this.#sheet.viewport.getBounds(true);
    this.#put(0, [x + width * 0.35, y + height / 2]);
    this.#put(1, [x + width * 0.65, y + height / 2]);
  }

  #at(event) {
    const { left, top } = this.#drawn.getBoundingClientRect();
    const { x, y } = this.#sheet.viewport.pointFromPixel(new Point(event.clientX - left, event.clientY - top), true);
    return [x, y];
  }

  #onScreen([x, y]) {
    return this.#sheet.viewport.pixelFromPoint(new Point(x, y), true);
  }

  #near(event) {
    const { left, top } = this.#drawn.getBoundingClientRect();
    const far = this.#ends.map((end) => {
      const { x, y } = this.#onScreen(end);
      return Math.hypot(x + left - event.clientX, y + top - event.clientY);
    });
    const nearest = far.indexOf(Math.min(...far));
    return far[nearest] <= REACH_PX ? nearest : -1;
  }

  #put(index, [x, y]) {
    const size = this.#sheet.world.getHomeBounds();
    const within = [Math.min(Math.max(x, 0), size.width), Math.min(Math.max(y, 0), size.height)];
    for (const [place, number] of within.entries()) this.#form.elements[NAMES[2 * index + place]].value = number.toFixed(1).replace(/\.0$/, "");
    this.#form.elements.step.value = Math.min(Math.max(this.#step(), 0.01), 200).toFixed(3);
  }

  /** Canvas units under one pixel of the screen. */
  #step() {
    const { viewport } = this.#sheet;
    return viewport.getBounds(true).width / viewport.getContainerSize().x;
  }

  _pointerdown(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    this.#drawn.setPointerCapture(event.pointerId);
    this.#held = this.#laying ? 1 : this.#near(event);
    if (this.#held < 0) {
      this.#put(0, this.#at(event));
      this.#put(1, this.#at(event));
      [this.#held, this.#laying] = [1, true];
    } else {
      this.#laying = false;
      this.#put(this.#held, this.#at(event));
    }
    this.#drawn.querySelectorAll("button")[this.#held].focus({ preventScroll: true });
    this.#redraw();
  }

  _pointermove(event) {
    if (this.#held < 0 || !event.isPrimary) return;
    this.#put(this.#held, this.#at(event));
    this.#redraw();
  }

  // Let go where it was pressed, the line waits for a second tap.
  _pointerup() {
    const [[x0, y0], [x1, y1]] = this.#ends;
    const moved = Math.hypot(x1 - x0, y1 - y0) > 4 * this.#step();
    if (this.#laying && moved) this.#laying = false;
    this.#held = -1;
    this.#redraw();
  }

  _pointercancel() {
    this.#held = -1;
    this.#laying = false;
  }

  #key(event, index) {
    const far = this.#step() * (event.shiftKey ? 10 : 1);
    const move = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    if (event.key === "Escape") {
      this.end();
      document.querySelector("#measuring summary")?.focus();
    }
    if (event.key === "Enter") {
      event.preventDefault(); // or the field that has the focus now would send the form
      document.getElementById("measure-name").focus();
    }
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = this.#ends[index];
    this.#put(index, [x + move[0], y + move[1]]);
    this.#redraw();
  }

  #redraw = () => {
    if (!this.#panel) return;
    const ends = this.#ends;
    this.#panel.querySelector("output").textContent = ends.length === 2 ? this.#said(ends) : "";
    if (!this.#drawn) return;
    const [one, other] = ends.map((end) => this.#onScreen(end));
    this.#drawn.hidden = !other;
    if (!other) return;
    for (const line of this.#drawn.querySelectorAll("line")) {
      for (const [name, number] of [["x1", one.x], ["y1", one.y], ["x2", other.x], ["y2", other.y]]) line.setAttribute(name, number);
    }
    for (const [index, { x, y }] of [one, other].entries()) {
      this.#drawn.querySelectorAll("button")[index].style.transform = `translate(${x}px, ${y}px)`;
    }
  };

  #said([[x0, y0], [x1, y1]]) {
    const px = Math.hypot(x1 - x0, y1 - y0);
    const { perMm, uncertainty } = this.#scale;
    const ofEnds = Math.SQRT2 * (Number(this.#form.elements.step.value) || 1);
    if (!perMm) return `${px.toFixed(0)} px (no scale is known)`;
    const mm = px / perMm;
    const error = Math.hypot(ofEnds / perMm, (uncertainty / perMm) * mm);
    const places = Math.min(20, Math.max(0, 1 - Math.floor(Math.log10(error))));
    return `${mm.toFixed(places)} ± ${error.toFixed(places)} mm`;
  }
}

export const tool = new Tool();

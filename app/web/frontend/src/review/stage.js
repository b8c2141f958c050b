// The picture of an item at depth, with what is proposed drawn on it. Everything is in canvas units, which are pixels of the
// upright image; a view is a rectangle of them in the shape of the stage. Pictures lie where their region is, whatever the view.

const MARGIN = 0.18; // of the item's longer side, on each side
const LEAST_SHARE = 0.06; // of the image's longer side, for points and short lines
const NEAREST = 4; // screen pixels for a pixel of the image
const REST_MS = 140; // after which a sharper picture is fetched
const SVG = "http://www.w3.org/2000/svg";

export class Stage {
  constructor(element, root) {
    this.element = element;
    this.root = root;
    this.item = null;
    this.view = null;
    this.timer = 0;
    this.ready = new Map(); // pictures that were fetched ahead, by address
    this.shown = []; // [picture, region]
    this.drawing = document.createElementNS(SVG, "svg");
    this.drawing.setAttribute("aria-hidden", "true");
    this.stepper = this.buttons();
    new ResizeObserver(() => this.item && this.look(this.view ?? this.around(this.item))).observe(element);
    this.follow();
  }

  /** Show an item. Resolves once its picture is painted: true; false where it has none, or another item came before. */
  async show(item) {
    this.item = item;
    this.shown = [];
    clearTimeout(this.timer);
    if (!item?.image?.shown) {
      this.view = null;
      this.say(item ? "The picture of this item is not shown on pages: it is closed, or not ready." : "");
      return false;
    }
    this.view = this.around(item);
    const region = this.cut(this.view);
    const picture = this.ready.get(this.address(item, region)) ?? this.fetch(item, region);
    picture.alt = `Photograph, around the ${item.kind}`;
    this.element.replaceChildren(picture, this.drawing, this.stepper);
    this.shown = [[picture, region]];
    this.draw();
    this.place();
    try {
      await picture.decode();
    } catch {
      if (this.item === item) this.say("The picture did not come. Press f to try again.");
      return false;
    }
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return this.item === item;
  }

  /** Fetch the pictures of these items ahead; forget others. */
  ahead(items) {
    const wanted = new Map();
    for (const item of items.filter((one) => one.image?.shown)) {
      const region = this.cut(this.around(item));
      const address = this.address(item, region);
      wanted.set(address, this.ready.get(address) ?? this.fetch(item, region));
    }
    this.ready = wanted;
    for (const picture of wanted.values()) picture.decode().catch(() => {});
  }

  fit() {
    if (!this.item?.image) return;
    const whole = this.shaped([0, 0, this.item.image.width, this.item.image.height]);
    const close = this.around(this.item);
    const isClose = Math.abs(this.view.w - close.w) < 1 && Math.abs(this.view.x - close.x) < 1;
    this.look(isClose ? whole : close);
    if (!this.shown.length) this.show(this.item);
  }

  first() {
    if (this.view) this.look(this.around(this.item));
  }

  zoom(factor, at = null) {
    if (!this.view) return;
    const { x, y, w, h } = this.view;
    const most = 2 * Math.max(this.item.image.width, (this.item.image.height * w) / h);
    const least = Math.min(w, this.element.clientWidth / NEAREST); // of a small item, which is nearer already, no nearer
    const width = Math.min(Math.max(w / factor, least), most);
    const point = at ?? [x + w / 2, y + h / 2];
    const scale = width / w;
    this.look({ x: point[0] - (point[0] - x) * scale, y: point[1] - (point[1] - y) * scale, w: width, h: h * scale });
  }

  /** Move by parts of the view. */
  move(across, down) {
    if (this.view) this.look({ ...this.view, x: this.view.x + across * this.view.w, y: this.view.y + down * this.view.h });
  }

  hide(hidden) {
    this.element.toggleAttribute("data-hidden", hidden);
  }

  /** Light a line of text; `box` is x, y, w, h, or null. */
  light(box) {
    this.drawing.querySelector(".line")?.remove();
    if (!box) return;
    const lit = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: box[0], y: box[1], width: box[2], height: box[3], class: "line" })) lit.setAttribute(name, value);
    this.drawing.prepend(lit);
  }

  say(words) {
    const told = Object.assign(document.createElement("p"), { className: "empty", textContent: words });
    this.element.replaceChildren(told);
  }

  look(view) {
    if (!this.item?.image?.shown) return;
    this.view = this.shaped([view.x, view.y, view.w, view.h]);
    this.place();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.sharpen(), REST_MS);
  }

  async sharpen() {
    const item = this.item;
    const region = this.cut(this.view);
    const picture = this.fetch(item, region);
    picture.alt = "";
    try {
      await picture.decode();
    } catch {
      return; // what is there stays
    }
    if (this.item !== item) return;
    this.drawing.before(picture);
    this.shown.push([picture, region]);
    while (this.shown.length > 3) this.shown.splice(1, 1)[0][0].remove();
    this.place();
  }

  place() {
    const scale = this.element.clientWidth / this.view.w;
    for (const [picture, { x, y, w, h }] of this.shown) {
      picture.style.left = `${(x - this.view.x) * scale}px`;
      picture.style.top = `${(y - this.view.y) * scale}px`;
      picture.style.width = `${w * scale}px`;
      picture.style.height = `${h * scale}px`;
    }
    this.drawing.setAttribute("viewBox", `${this.view.x} ${this.view.y} ${this.view.w} ${this.view.h}`);
  }

  draw() {
    const paths = (this.item.outline ? ["halo", "shape"] : []).map((name) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      path.setAttribute("d", this.item.outline);
      return path;
    });
    this.drawing.replaceChildren(...paths);
  }

  /** The view of an item with what is around it; of all of an image, the whole. */
  around({ box, image }) {
    if (!box) return this.shaped([0, 0, image.width, image.height]);
    const [x0, y0, x1, y1] = box;
    const longer = Math.max(x1 - x0, y1 - y0, LEAST_SHARE * Math.max(image.width, image.height));
    const margin = MARGIN * longer;
    const w = Math.max(x1 - x0, longer / 3) + 2 * margin;
    const h = Math.max(y1 - y0, longer / 3) + 2 * margin;
    return this.shaped([(x0 + x1 - w) / 2, (y0 + y1 - h) / 2, w, h]);
  }

  /** The smallest rectangle in the shape of the stage around that one. */
  shaped([x, y, w, h]) {
    const shape = (this.element.clientWidth || 1) / (this.element.clientHeight || 1);
    const wide = Math.max(w, h * shape);
    const high = wide / shape;
    return { x: x - (wide - w) / 2, y: y - (high - h) / 2, w: wide, h: high };
  }

  /** A view in whole pixels; `address` takes what lies beside the image away from it. */
  cut({ x, y, w, h }) {
    return { x: Math.floor(x), y: Math.floor(y), w: Math.ceil(w), h: Math.ceil(h) };
  }

  fetch(item, region) {
    const picture = new Image();
    picture.draggable = false;
    picture.src = this.address(item, region);
    return picture;
  }

  address({ image }, region) {
    const x0 = Math.min(Math.max(region.x, 0), image.width - 1);
    const y0 = Math.min(Math.max(region.y, 0), image.height - 1);
    const w = Math.max(1, Math.min(region.x + region.w, image.width) - x0);
    const h = Math.max(1, Math.min(region.y + region.h, image.height) - y0);
    Object.assign(region, { x: x0, y: y0, w, h });
    const scale = Math.min(1, ((this.element.clientWidth || 1) * Math.min(devicePixelRatio, 2)) / w, ((this.element.clientHeight || 1) * Math.min(devicePixelRatio, 2)) / h);
    const size = `${image.access === "reduced" ? "!" : ""}${Math.max(1, Math.round(w * scale))},${Math.max(1, Math.round(h * scale))}`;
    return `${this.root}/iiif/3/${image.key}/${x0},${y0},${w},${h}/${size}/0/default.jpg`;
  }

  buttons() {
    const group = Object.assign(document.createElement("div"), { className: "stepper" });
    for (const [sign, words, act] of [["+", "Nearer", () => this.zoom(1.5)], ["−", "Farther", () => this.zoom(1 / 1.5)], ["⤢", "Fit the item, or the whole sheet", () => this.fit()]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, title: words });
      button.setAttribute("aria-label", words);
      button.addEventListener("click", act);
      group.append(button);
    }
    return group;
  }

  /** Fingers and mouse: drag moves, two fingers or Ctrl and the wheel zoom. */
  follow() {
    const fingers = new Map();
    const spread = () => {
      const [one, other] = [...fingers.values()];
      return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
    };
    this.element.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      this.element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    this.element.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before || !this.view) return;
      const wide = spread();
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size === 2 && wide) return this.zoom(spread() / wide);
      const scale = this.view.w / this.element.clientWidth;
      this.look({ ...this.view, x: this.view.x - (event.clientX - before[0]) * scale, y: this.view.y - (event.clientY - before[1]) * scale });
    });
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, (event) => fingers.delete(event.pointerId));
    this.element.addEventListener("wheel", (event) => {
      if (!this.view || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      const { left, top } = this.element.getBoundingClientRect();
      const scale = this.view.w / this.element.clientWidth;
      this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, [this.view.x + (event.clientX - left) * scale, this.view.y + (event.clientY - top) * scale]);
    }, { passive: false });
  }
}

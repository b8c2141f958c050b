// Shapes as Annotorious holds them, in canvas units: read from and written to the one selector of `profile=annotorious`, and all
// that is done to them: holes, further parts, corners, boxes. Areas are those of the even-odd rule, as the hub has it.
import { difference, union } from "polyclip-ts";

const NUMBER = "[-+]?\\d*\\.?\\d+(?:[eE][-+]?\\d+)?";
const XYWH = new RegExp(`^xywh=(?:pixel:)?(${NUMBER}),(${NUMBER}),(${NUMBER}),(${NUMBER})$`);
const ELLIPSE_POINTS = 64;
const PLACES = 3;
const NEAR = 0.5;

/** The shape of a selector; null where there is none that can be edited. */
export function read(selector) {
  if (!selector) return null;
  if (selector.type === "FragmentSelector") {
    const found = XYWH.exec(selector.value);
    return found && rectangle(...found.slice(1).map(Number));
  }
  const svg = new DOMParser().parseFromString(selector.value, "image/svg+xml");
  const [drawn, ...more] = svg.querySelectorAll("polygon, path, line, ellipse");
  if (!drawn || more.length) return null;
  if (drawn.tagName === "polygon") return area([numbers(drawn.getAttribute("points"))]);
  if (drawn.tagName === "line") {
    const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) => Number(drawn.getAttribute(name)));
    return line([[x1, y1], [x2, y2]]);
  }
  if (drawn.tagName === "ellipse") return ellipse(...["cx", "cy", "rx", "ry"].map((name) => Number(drawn.getAttribute(name))));
  return ofPath(drawn.getAttribute("d"));
}

function ofPath(d) {
  const paths = d.split(/(?=M)/).filter((part) => part.trim());
  const closed = paths.map((part) => /Z\s*$/.test(part));
  const points = paths.map((part) => numbers(part.replace(/[MLZ]/g, " ")));
  if (closed.every(Boolean)) return area(points);
  return points.length === 1 && !closed[0] ? line(points[0]) : null;
}

function numbers(text) {
  const found = text.match(new RegExp(NUMBER, "g")).map(Number);
  return Array.from({ length: found.length / 2 }, (_, at) => [found[2 * at], found[2 * at + 1]]);
}

/** The selector that says the shape. */
export function written(shape) {
  const { type, geometry: of } = shape;
  if (type === "RECTANGLE" && !of.rot) {
    const value = `xywh=pixel:${[of.x, of.y, of.w, of.h].map(short).join(",")}`;
    return { type: "FragmentSelector", conformsTo: "http://www.w3.org/TR/media-frags/", value };
  }
  const inner = {
    ELLIPSE: () => `<ellipse cx="${short(of.cx)}" cy="${short(of.cy)}" rx="${short(of.rx)}" ry="${short(of.ry)}"/>`,
    LINE: () => `<path d="${path(of.points)}"/>`,
    POLYLINE: () => `<path d="${path(of.points.map(({ point }) => point))}${of.closed ? " Z" : ""}"/>`,
  }[type]?.() ?? `<path fill-rule="evenodd" d="${rings(shape).map((ring) => `${path(ring)} Z`).join(" ")}"/>`;
  return { type: "SvgSelector", value: `<svg xmlns="http://www.w3.org/2000/svg">${inner}</svg>` };
}

const path = (points) => points.map(([x, y], at) => `${at ? "L" : "M"}${short(x)} ${short(y)}`).join(" ");
export const short = (number) => String(Number(number.toFixed(PLACES)));

/** x, y, width and height of what it covers. */
export function boxOf(shape) {
  const { minX, minY, maxX, maxY } = shape.geometry.bounds;
  return { x: minX, y: minY, w: maxX - minX, h: maxY - minY };
}

export function rectangle(x, y, w, h) {
  return { type: "RECTANGLE", geometry: { x, y, w, h, rot: 0, bounds: { minX: x, minY: y, maxX: x + w, maxY: y + h } } };
}

export function ellipse(cx, cy, rx, ry) {
  const bounds = { minX: cx - rx, minY: cy - ry, maxX: cx + rx, maxY: cy + ry };
  return { type: "ELLIPSE", geometry: { cx, cy, rx, ry, bounds } };
}

function line(points) {
  if (points.length === 2) return { type: "LINE", geometry: { points, bounds: bounds(points) } };
  return { type: "POLYLINE", geometry: { points: points.map((point) => ({ type: "CORNER", point })), closed: false, bounds: bounds(points) } };
}

/** The area of rings: a polygon, or one of several rings, each hole with the part that it lies in. */
export function area(all) {
  if (all.length === 1) return { type: "POLYGON", geometry: { points: all[0], bounds: bounds(all[0]) } };
  const depth = all.map((ring, at) => all.filter((other, place) => place !== at && within(inner(ring), other)).length);
  const outer = all.flatMap((_, at) => (depth[at] % 2 ? [] : [at]));
  const polygons = outer.map((at) => {
    const holes = all.filter((ring, place) => depth[place] === depth[at] + 1 && within(inner(ring), all[at]));
    return { rings: [all[at], ...holes].map((points) => ({ points })), bounds: bounds(all[at]) };
  });
  return { type: "MULTIPOLYGON", geometry: { polygons, bounds: bounds(all.flat()) } };
}

/** As it was drawn, without corners that lie on the one before, as a double click leaves them. */
export function tidy(shape) {
  if (shape.type !== "POLYGON") return shape;
  const { points } = shape.geometry;
  const apart = points.filter(([x, y], at) => Math.hypot(x - points.at(at - 1)[0], y - points.at(at - 1)[1]) > NEAR);
  return apart.length > 2 ? area([apart]) : shape;
}

// The middle of a ring's first side lies on it; a corner may be shared with the ring around it.
const inner = ([[x0, y0], [x1, y1]]) => [(x0 + x1) / 2, (y0 + y1) / 2];

function within([x, y], ring) {
  let inside = false;
  ring.forEach(([x1, y1], at) => {
    const [x0, y0] = ring.at(at - 1);
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  });
  return inside;
}

function bounds(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const least = (some) => some.reduce((a, b) => Math.min(a, b));
  const most = (some) => some.reduce((a, b) => Math.max(a, b));
  return { minX: least(xs), minY: least(ys), maxX: most(xs), maxY: most(ys) };
}

/** The rings of an area, each a list of points; of a line none. */
export function rings({ type, geometry: of }) {
  if (type === "POLYGON") return [of.points];
  if (type === "MULTIPOLYGON") return of.polygons.flatMap((part) => part.rings.map(({ points }) => points));
  if (type === "ELLIPSE") {
    const angles = Array.from({ length: ELLIPSE_POINTS }, (_, at) => (2 * Math.PI * at) / ELLIPSE_POINTS);
    return [angles.map((angle) => [of.cx + of.rx * Math.cos(angle), of.cy + of.ry * Math.sin(angle)])];
  }
  if (type !== "RECTANGLE") return of.closed ? [of.points.map(({ point }) => point)] : [];
  const [cx, cy, cos, sin] = [of.x + of.w / 2, of.y + of.h / 2, Math.cos(of.rot || 0), Math.sin(of.rot || 0)];
  const around = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => [(a * of.w) / 2, (b * of.h) / 2]);
  return [around.map(([x, y]) => [cx + x * cos - y * sin, cy + x * sin + y * cos])];
}

/** The shape without what the ring covers; null where nothing is left. A ring inside it keeps every corner. */
export function without(shape, ring) {
  return combined(shape, ring, difference);
}

/** The shape with what the ring covers. */
export function joined(shape, ring) {
  return combined(shape, ring, union);
}

function combined(shape, ring, how) {
  const parts = rings(shape).length ? area(rings(shape)) : null;
  if (!parts) return null;
  const mine = parts.type === "POLYGON" ? [[closed(parts.geometry.points)]] : parts.geometry.polygons.map((part) => part.rings.map(({ points }) => closed(points)));
  const made = how(mine, [[closed(ring)]]);
  return made.length ? area(made.flatMap((part) => part.map((points) => points.slice(0, -1)))) : null;
}

const closed = (points) => [...points, points[0]].map(([x, y]) => [x, y]);

/** Its corners, in order, each with the ring that it is of; of an ellipse none. */
export function corners(shape) {
  const { type, geometry: of } = shape;
  if (type === "ELLIPSE") return [];
  const paths = type === "LINE" ? [of.points] : type === "POLYLINE" ? [of.points.map(({ point }) => point)] : rings(shape);
  return paths.flatMap((points, ring) => points.map(([x, y], at) => ({ ring, at, x, y, of: points.length })));
}

/** The shape with other points: `change` gets them as lists and changes those. A box becomes a polygon. */
function changed(shape, change) {
  const { type, geometry: of } = shape;
  if (type === "LINE" || type === "POLYLINE") {
    const paths = [type === "LINE" ? of.points.map((point) => [...point]) : of.points.map(({ point }) => [...point])];
    change(paths);
    return paths[0].length > 1 ? line(paths[0]) : null;
  }
  const paths = rings(shape).map((ring) => ring.map((point) => [...point]));
  change(paths);
  const left = paths.filter((ring) => ring.length > 2);
  return left.length ? area(left) : null;
}

/** A corner moved by so much; a box stays one, as its other corners follow. */
export function withCornerMoved(shape, { ring, at }, dx, dy) {
  const { type, geometry: of } = shape;
  if (type !== "RECTANGLE" || of.rot) return changed(shape, (paths) => { paths[ring][at][0] += dx; paths[ring][at][1] += dy; });
  const [left, top] = [at === 0 || at === 3, at < 2];
  const [x0, x1] = [of.x + (left ? dx : 0), of.x + of.w + (left ? 0 : dx)];
  const [y0, y1] = [of.y + (top ? dy : 0), of.y + of.h + (top ? 0 : dy)];
  return x1 - x0 < 1 || y1 - y0 < 1 ? shape : rectangle(x0, y0, x1 - x0, y1 - y0);
}

/** Without that corner; null where nothing would be left. A ring of three loses itself. */
export const withoutCorner = (shape, { ring, at }) => changed(shape, (paths) => paths[ring].splice(at, 1));

/** With another corner, in the middle of the side behind that one. */
export const withCornerAdded = (shape, { ring, at }) =>
  changed(shape, (paths) => {
    const points = paths[ring];
    const [a, b] = [points[at], points[(at + 1) % points.length]];
    points.splice(at + 1, 0, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
  });

/** The same in another box: moved and scaled. */
export function inBox(shape, { x, y, w, h }) {
  const { type } = shape;
  const now = boxOf(shape);
  if (type === "RECTANGLE" && !shape.geometry.rot) return rectangle(x, y, w, h);
  if (type === "ELLIPSE") return ellipse(x + w / 2, y + h / 2, w / 2, h / 2);
  const scale = (value, from, extent, to, size) => (extent ? to + ((value - from) / extent) * size : to + (value - from));
  return changed(shape, (paths) => {
    for (const point of paths.flat()) {
      point[0] = scale(point[0], now.x, now.w, x, w);
      point[1] = scale(point[1], now.y, now.h, y, h);
    }
  });
}

/** Moved by so much. */
export function moved(shape, dx, dy) {
  const { x, y, w, h } = boxOf(shape);
  return inBox(shape, { x: x + dx, y: y + dy, w, h });
}

/** In words, for who does not see it. */
export function called(shape) {
  if (!shape) return "no shape";
  const count = rings(shape).length;
  const names = { RECTANGLE: "box", ELLIPSE: "ellipse", LINE: "line", POLYLINE: "line" };
  if (names[shape.type]) return names[shape.type];
  const parts = shape.type === "POLYGON" ? 1 : shape.geometry.polygons.length;
  const [of, holes] = [parts > 1 ? ` of ${parts} parts` : "", count - parts];
  return `polygon${of}${holes ? ` with ${holes} hole${holes > 1 ? "s" : ""}` : ""}, ${corners(shape).length} corners`;
}

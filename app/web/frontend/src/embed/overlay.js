// The shapes of what is said, drawn in an SVG of our own that follows the picture, in units of the canvas.
import OpenSeadragon from "openseadragon";

const SVG = "http://www.w3.org/2000/svg";

/** `show(key)` brings the shape of that statement out. */
export function overlay(viewer, { width, shapes }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.id = "shapes";
  svg.setAttribute("aria-hidden", "true");
  const group = document.createElementNS(SVG, "g");
  const paths = new Map();
  for (const [key, layer, d, line] of shapes) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", `${layer}${line ? " line" : ""}`);
    paths.set(key, path);
    group.append(path);
  }
  svg.append(group);
  viewer.canvas.append(svg);

  const origin = new OpenSeadragon.Point(0, 0);
  function follow() {
    const { viewport } = viewer;
    const corner = viewport.pixelFromPoint(origin, true);
    const scale = (viewport.getZoom(true) * viewport.getContainerSize().x) / width;
    group.setAttribute("transform", `translate(${corner.x} ${corner.y}) scale(${scale})`);
  }
  viewer.addHandler("update-viewport", follow);
  follow();

  return {
    show(key) {
      for (const [name, path] of paths) path.classList.toggle("shown", name === key);
      if (paths.has(key)) group.append(paths.get(key));
    },
  };
}

// The page of a segment: where it would be cut shows on its picture, and a click there sets a cut.
const form = document.querySelector("[data-cut]");
const picture = document.getElementById("picture");
if (form && picture) begin();

function begin() {
  const { side, at } = form.elements;
  const size = { left: Number(picture.dataset.width), top: Number(picture.dataset.height) };
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  lines.setAttribute("viewBox", `0 0 ${size.left} ${size.top}`);
  lines.setAttribute("preserveAspectRatio", "none");
  lines.setAttribute("aria-hidden", "true");
  lines.classList.add("cuts");
  picture.append(lines);
  form.querySelector("[data-scripted]").hidden = false;
  const open = () => form.closest("details").open;

  function show() {
    const cuts = open() ? numbers(at.value).filter((cut) => cut > 0 && cut < size[side.value]) : [];
    lines.replaceChildren(...cuts.map((cut) => line(cut, side.value)));
    picture.classList.toggle("cutting", open());
  }

  function line(cut, from) {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
    drawn.setAttribute("d", from === "left" ? `M${cut},0 V${size.top}` : `M0,${cut} H${size.left}`);
    drawn.setAttribute("vector-effect", "non-scaling-stroke");
    return drawn;
  }

  picture.addEventListener("click", (event) => {
    if (!open()) return;
    event.preventDefault(); // the picture is a link to its own pixels
    const box = picture.querySelector("img").getBoundingClientRect();
    const part = side.value === "left" ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height;
    const cut = Math.min(size[side.value] - 1, Math.max(1, Math.round(part * size[side.value])));
    at.value = [...new Set([...numbers(at.value), cut])].sort((one, other) => one - other).join(", ");
    show();
  });
  for (const field of [side, at]) field.addEventListener("input", show);
  form.closest("details").addEventListener("toggle", show);
  show();
}

function numbers(text) {
  return (text.match(/\d+/g) ?? []).map(Number);
}

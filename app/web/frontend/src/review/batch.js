// Accepting many at once: some to look at first, then all, then, if need be, all of it back.
import { ask, newKey } from "./work.js";

const PIECE_PX = 360;

export function batches(form) {
  const seen = document.getElementById("batch-seen");
  const root = new URL("../", import.meta.url).pathname.replace(/\/$/, "");
  const address = `${root}/api/verdicts/batch`;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const rule = { kind: form.elements.kind.value, minConfidence: form.elements.confidence.valueAsNumber };
    await trying(seen, async () => {
      const { count, more, sample, passedOver } = await ask(`${address}?dry_run=1`, "POST", rule);
      const words = count === 0 ? "There is none." : `${count.toLocaleString("en")} would be accepted${more ? "; there are more, for another time" : ""}. ${passedOver.disputed + passedOver.stale} disputed or changed ones are passed over.`;
      const all = button(`Accept ${count.toLocaleString("en")}`, () => accept(seen, address, { ...rule, clientKey: newKey() }));
      seen.replaceChildren(paragraph(words), figures(sample, root), ...(count ? [all] : []));
    });
  });
}

/** A stop half-way is gone on from under the same name, so that nothing is accepted twice. */
async function accept(seen, address, rule) {
  const again = () => button("Go on", () => accept(seen, address, rule));
  await trying(seen, async () => {
    const { key, accepted, refused } = await ask(address, "POST", rule);
    const back = button("Take all of it back", () => takeBack(seen, `${address}/${encodeURIComponent(key)}`));
    back.className = "small";
    seen.replaceChildren(paragraph(`${accepted.toLocaleString("en")} are accepted${refused.length ? `, ${refused.length} could not be: ${refused[0].why}` : ""}.`), back);
  }, again);
}

async function takeBack(seen, address) {
  const done = async () => {
    await ask(address, "DELETE");
    seen.replaceChildren(paragraph("All of it is taken back."));
  };
  await trying(seen, done, () => button("Go on", () => takeBack(seen, address)));
}

async function trying(seen, act, again = () => "") {
  for (const one of seen.querySelectorAll("button")) one.disabled = true;
  try {
    await act();
  } catch (error) {
    seen.replaceChildren(Object.assign(paragraph(error.message), { className: "notice wrong" }), again());
  }
}

function figures(sample, root) {
  const all = Object.assign(document.createElement("div"), { className: "sample" });
  for (const { image, box, kind, text, confidence } of sample) {
    const figure = document.createElement("figure");
    if (image?.shown) {
      const [x0, y0, x1, y1] = box ?? [0, 0, image.width, image.height];
      const region = [Math.floor(x0), Math.floor(y0), Math.max(1, Math.ceil(x1 - Math.floor(x0))), Math.max(1, Math.ceil(y1 - Math.floor(y0)))];
      figure.append(Object.assign(new Image(), { src: `${root}/iiif/3/${image.key}/${region}/!${PIECE_PX},${PIECE_PX}/0/default.jpg`, alt: `Photograph of the ${kind}` }));
    }
    figure.append(Object.assign(document.createElement("figcaption"), { textContent: `${text || kind}\n(${confidence})` }));
    all.append(figure);
  }
  return all;
}

function paragraph(words) {
  return Object.assign(document.createElement("p"), { textContent: words });
}

function button(words, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: words });
  made.addEventListener("click", act);
  return made;
}

// What stands beside the picture: what is claimed and why it comes, what was answered, the record, and the label's words.

const TERMS = {
  scientificName: "Name", typeStatus: "Type", catalogNumber: "Number", institutionCode: "Institution", collectionCode: "Collection",
  recordedBy: "Collector", recordNumber: "Collector's number", eventDate: "Date", country: "Country", stateProvince: "Province", locality: "Locality",
};
const ANSWERS = { approved: "You accepted this.", rejected: "You said that this is wrong.", uncertain: "You could not tell." };

function element(name, className, text, ...inside) {
  const made = Object.assign(document.createElement(name), { className });
  if (text !== null) made.textContent = text;
  made.append(...inside);
  return made;
}

/** `given` is the verdict that was given, or null. */
export function claim(item, given) {
  const says = item.value !== null ? element("p", "value", `${Number(item.value.toPrecision(5))} ${item.unit}`) : "";
  const text = item.text && item.text !== item.kind ? element(item.kind === "label" || item.kind === "text" ? "blockquote" : "p", "", item.text) : "";
  const why = element("ul", "why", null, ...item.why.map((reason) => element("li", "", reason)));
  const heading = element("h2", "", `Is this right? ${item.term ?? item.class}`);
  const answer = given ? element("p", "given", null, element("strong", "", ANSWERS[given] ?? "")) : "";
  const box = element("div", "claim", null, heading, says, text, answer, why);
  box.tabIndex = -1;
  return box;
}

export function beside(item, root) {
  const parts = [];
  if (item.specimen) {
    const terms = Object.entries(item.record).flatMap(([term, value]) => [element("dt", "", TERMS[term] ?? term), element("dd", "", value)]);
    const link = Object.assign(element("a", "", "Open the specimen"), { href: `${root}/specimens/${item.specimen}` });
    parts.push(element("h3", "", "The record"), element("dl", "", null, ...terms), element("p", "", null, link));
  }
  if (item.words.length) parts.push(element("h3", "", "On the labels"), ...item.words.map(({ text }) => element("blockquote", "", text)));
  return element("div", "beside", null, ...parts);
}

/** Numbered choices; `chosen(value)` gets the one that was taken, "" for none of them. */
export function choices(title, values, none, chosen, left) {
  const list = element("ol", "", null, ...values.map((value, at) => {
    const button = element("button", "small", null, `${at + 1} ${value}`);
    button.type = "button";
    button.addEventListener("click", () => chosen(value));
    return element("li", "", null, button);
  }));
  const without = Object.assign(element("button", "", none), { type: "button" });
  without.addEventListener("click", () => chosen(""));
  const leave = Object.assign(element("button", "small", "Leave"), { type: "button" });
  leave.addEventListener("click", left);
  return [element("h2", "", title), list, element("div", "steps", null, without, leave)];
}

export function failure(given, error, again) {
  const button = Object.assign(element("button", "small", "Show it again"), { type: "button" });
  button.addEventListener("click", again);
  const words = { approved: "Accepting", rejected: "Rejecting", uncertain: "Your answer for" }[given.verdict.verdict];
  return element("div", "notice wrong", null, element("p", "", `${words} “${(given.item.text || given.item.kind).slice(0, 60)}” was not kept: ${error.message}`), button);
}

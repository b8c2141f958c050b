// What the form says of a statement, and its bodies: each field is one body; what the form does not show stays as it was.
const STATED = "dwc:Assertion";
const several = (value) => (value === undefined ? [] : [value].flat());
const isText = (body) => body?.type === "TextualBody" || typeof body?.value === "string";

export const EMPTY = { text: "", comment: "", label: "", value: "", unit: "" };

/** Which body each field shows; -1 for none. */
function places(bodies, motivations) {
  const reads = motivations.includes("supplementing");
  const of = (test) => bodies.findIndex(test);
  return {
    label: of((body) => isText(body) && ["tagging", "classifying"].includes(body.purpose)),
    text: of((body) => isText(body) && (["describing", "transcribing", "supplementing"].includes(body.purpose) || (!body.purpose && reads))),
    comment: of((body) => isText(body) && (["commenting", "replying"].includes(body.purpose) || (!body.purpose && !reads))),
    value: of((body) => several(body?.type).includes(STATED) && body["dwc:assertionValue"] !== undefined),
  };
}

export function fieldsOf({ body, motivation }) {
  const bodies = several(body);
  const at = places(bodies, several(motivation));
  const value = bodies[at.value];
  const text = (name) => bodies[at[name]]?.value ?? "";
  return {
    text: text("text"), comment: text("comment"), label: text("label"),
    value: value?.["dwc:assertionValue"] ?? "", unit: value?.["dwc:assertionUnit"] ?? "",
  };
}

/** Body and motivation with what the form says now; `kind` is the hub's word for what a machine found. */
export function withFields(document, fields, kind = "") {
  const old = fieldsOf(document);
  const motivations = several(document.motivation);
  const bodies = several(document.body).map((body) => body);
  const at = places(bodies, motivations);
  const numbered = fields.value !== old.value || fields.unit !== old.unit;
  const said = { ...fields };
  if (numbered && fields.text === old.text && bodies[at.text]?.purpose === "describing") {
    said.text = [kind, fields.value, fields.unit].filter(Boolean).join(" "); // a text that only repeats the number
  }
  const gone = new Set();
  const put = (name, made) => {
    if (said[name] === old[name]) return;
    if (!said[name]) gone.add(bodies[at[name]]);
    else if (at[name] >= 0) bodies[at[name]] = { ...bodies[at[name]], value: said[name] };
    else bodies.push(made);
  };
  const written = { type: "TextualBody", format: "text/plain" };
  put("text", { ...written, value: said.text, ...(motivations.length && !motivations.includes("supplementing") && { purpose: "describing" }) });
  put("comment", { ...written, value: said.comment, purpose: "commenting" });
  put("label", { type: "TextualBody", value: said.label, purpose: "tagging", language: "en" });
  if (numbered) {
    const made = { id: name(), type: STATED, "dwc:assertionType": said.label || kind || "measurement", "dwc:assertionValue": fields.value, "dwc:assertionUnit": fields.unit };
    if (!fields.value) gone.add(bodies[at.value]);
    else if (at.value >= 0) bodies[at.value] = made; // what a machine said beside its number does not hold for another
    else bodies.push(made);
  }
  return { body: bodies.filter((body) => !gone.has(body)), motivation: motivations.length ? document.motivation : motivationOf(fields) };
}

// crypto.randomUUID is missing on http.
function name() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte, at) => (at === 6 ? (byte & 15) | 64 : at === 8 ? (byte & 63) | 128 : byte).toString(16).padStart(2, "0")).join("");
  return `urn:uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
}

function motivationOf({ text, comment, label, value }) {
  return text ? "supplementing" : comment ? "commenting" : value ? "describing" : label ? "tagging" : "highlighting";
}

/** The reason of the verdict that a correction goes with. */
export function reasonOf(before, after, shapeChanged) {
  if (before.label !== after.label) return "wrong class";
  if (before.value !== after.value || before.unit !== after.unit) return "wrong value";
  if (before.text !== after.text) return "wrong text";
  return shapeChanged ? "wrong place" : "";
}

// Which key does what: by the letter that is typed, remappable, to be switched off, and only while the item has the focus.

export const ACTIONS = [
  ["accept", "a", "Accept"],
  ["reject", "r", "Wrong; then 1–9 for the reason, or Enter for none"],
  ["unsure", "d", "Cannot be told from this"],
  ["nothing", "x", "Nothing is here"],
  ["shape", "e", "Correct the shape"],
  ["text", "t", "Correct the text, number or unit"],
  ["next", "n", "Next one that is not judged; this one is passed over"],
  ["previous", "p", "Back"],
  ["undo", "u", "Undo the last verdict, up to 20"],
  ["hide", "h", "Hide the shapes while it is held"],
  ["fit", "f", "Fit the item; again: the whole sheet"],
  ["nearer", "+", "Nearer"],
  ["farther", "-", "Farther"],
  ["first", "0", "As at first"],
  ["comment", "m", "Comment, sent with the verdict"],
  ["keys", "?", "All keys"],
];
const FIXED = [
  ["1–9", "Class, where there are several; after “Wrong” the reason"],
  ["→ ←", "Next and back"],
  ["Shift + arrows", "Move the picture"],
  ["Ctrl or ⌘ + z", "Undo"],
  ["Ctrl or ⌘ + s", "In a correction: save it"],
  ["Ctrl or ⌘ + Enter", "In a correction: save it and go on"],
  ["Esc", "Leave a correction or a choice; what was typed is kept as a draft"],
];

/** The letter that was typed; of keyboards whose letters are not Latin, the one at that place. */
export function letter(event) {
  if (event.key.length === 1 && event.key.charCodeAt(0) > 127 && /^Key[A-Z]$/.test(event.code)) return event.code[3].toLowerCase();
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

export class Keys {
  constructor(kept) {
    this.kept = kept;
    this.dialog = document.getElementById("keys");
    this.told = document.getElementById("key-told");
    const on = document.getElementById("keys-on");
    on.checked = kept.value.on;
    on.addEventListener("change", () => kept.change("on", on.checked));
    document.getElementById("keys-reset").addEventListener("click", () => {
      kept.change("keys", {});
      this.list();
    });
  }

  of(action) {
    return this.kept.value.keys[action] ?? ACTIONS.find(([name]) => name === action)[1];
  }

  /** The action of an event; empty for none. Keys with modifiers are not ours. */
  action(event) {
    if (!this.kept.value.on) return "";
    const typed = letter(event) === "=" ? "+" : letter(event);
    return ACTIONS.find(([name]) => this.of(name) === typed)?.[0] ?? "";
  }

  show() {
    this.list();
    this.told.textContent = "";
    this.dialog.showModal();
  }

  list() {
    const table = document.getElementById("key-table");
    const lines = ACTIONS.map(([name, , words]) => {
      const change = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: "Change" });
      change.setAttribute("aria-label", `Change the key of: ${words}`);
      change.addEventListener("click", () => this.ask(name, words));
      return line(this.of(name), words, change);
    });
    table.replaceChildren(...lines, ...FIXED.map(([key, words]) => line(key, words)));
    for (const label of document.querySelectorAll("[data-do] > kbd")) label.textContent = this.of(label.parentElement.dataset.do);
  }

  ask(name, words) {
    this.told.textContent = `Press the key for “${words}”; Esc leaves it as it is.`;
    const listen = (event) => {
      event.preventDefault();
      event.stopPropagation();
      document.removeEventListener("keydown", listen, true);
      if (event.key === "Escape") return void (this.told.textContent = "");
      const typed = letter(event);
      if (typed.length !== 1 || /[1-9\s]/.test(typed) || event.ctrlKey || event.metaKey || event.altKey) {
        return void (this.told.textContent = "That must be a letter or a sign, without Ctrl, Alt or ⌘.");
      }
      const other = ACTIONS.find(([one]) => one !== name && this.of(one) === typed);
      if (other) return void (this.told.textContent = `${typed} is the key of “${other[2]}”: give that another one first.`);
      this.kept.change("keys", { ...this.kept.value.keys, [name]: typed });
      this.list();
      this.told.textContent = `${typed} is “${words}” from now on, in this browser.`;
    };
    document.addEventListener("keydown", listen, true);
  }
}

function line(key, words, change = "") {
  const row = document.createElement("tr");
  const first = Object.assign(document.createElement("th"), { scope: "row" });
  first.append(Object.assign(document.createElement("kbd"), { textContent: key }));
  const last = document.createElement("td");
  last.append(change);
  row.append(first, Object.assign(document.createElement("td"), { textContent: words }), last);
  return row;
}

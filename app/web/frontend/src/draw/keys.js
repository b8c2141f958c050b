// The keys of the editor, by the letter that is typed; where that is not Latin, by the place of the key. They act only outside
// fields, and can be switched off.
const TOOLS = { b: "box", g: "polygon", o: "ellipse", k: "hole", j: "part" };
const OFF = "lectotype-keys-off";
const STEP = 0.1;
const PANS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

export function listen(editor, root) {
  const off = root.querySelector('[name="keys"]');
  off.checked = localStorage.getItem(OFF) === null;
  off.addEventListener("change", () => (off.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  const pressed = (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const writes = event.target.closest?.("textarea, input:not([type=checkbox]), select, [contenteditable]");
    if ((event.ctrlKey || event.metaKey) && (event.key === "Enter" || event.key.toLowerCase() === "s")) {
      event.preventDefault();
      return editor.keep();
    }
    if (event.key === "Escape" && writes) return root.querySelector("[data-part=sheet]").focus(); // another Esc puts back
    if (event.key === "Escape") return editor.attempt(() => editor.putBack());
    if (writes || event.altKey || !off.checked) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return editor.back();
    }
    if (event.ctrlKey || event.metaKey) return;
    if (act(editor, root, event)) event.preventDefault();
  };
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", ({ key }) => key === "h" && editor.sheet.visible(true));
  return () => document.removeEventListener("keydown", pressed);
}

function act(editor, root, event) {
  const key = letter(event);
  const onSheet = event.target.closest("[data-part=sheet]");
  if (key === "Enter" && editor.sheet.tool && (onSheet || event.target === document.body)) return editor.take(editor.sheet.tool, false), true;
  if (key === "Enter" && (onSheet || event.target.closest(".corner") || event.target === document.body)) return editor.keep(), true;
  if (event.shiftKey && PANS[key]) return editor.sheet.pan(...PANS[key]), true;
  if (TOOLS[key]) return editor.take(TOOLS[key], matchMedia("(pointer: fine)").matches), true;
  if (key === "h") return editor.sheet.visible(false), true;
  if (key === "f" && editor.now.shape) return editor.sheet.look(editor.now.shape), true;
  if (key === "0" || key === "f") return editor.sheet.whole(), true;
  if (key === "+" || key === "=") return editor.sheet.zoom(1.4), true;
  if (key === "-") return editor.sheet.zoom(1 / 1.4), true;
  if (key === "u") return editor.back(), true;
  if (key === "t") return editor.form.elements.text.focus(), true;
  if (key === "c") return toCorners(root), true;
  return false;
}

function toCorners(root) {
  root.querySelector(".corner-list").open = true;
  root.querySelector(".corner")?.focus();
}

function letter({ key, code }) {
  const single = key.length === 1;
  if (single && !/[\x20-\x7e]/.test(key)) return code.startsWith("Key") ? code.slice(3).toLowerCase() : key;
  return single ? key.toLowerCase() : key;
}

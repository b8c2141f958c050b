// The page around goes on scrolling: the wheel zooms with Ctrl or ⌘, or once the picture was clicked; on touch two fingers move
// the picture and one scrolls the page. A hint says so when somebody tries.
const HINT_MS = 1800;

export function gestures(viewer, holder) {
  const hint = document.getElementById("hint");
  const fingers = new Set();
  let taken = false; // the picture was clicked, and the pointer has not left it
  let timer = 0;

  function say(words) {
    hint.textContent = words;
    hint.classList.add("seen");
    clearTimeout(timer);
    timer = setTimeout(() => hint.classList.remove("seen"), HINT_MS);
  }

  holder.addEventListener("wheel", (event) => {
    if (taken || event.ctrlKey || event.metaKey) {
      hint.classList.remove("seen");
      return;
    }
    event.stopPropagation(); // OpenSeadragon does not see it, so the page scrolls
    say(holder.dataset.wheel);
  }, { capture: true, passive: true });

  holder.addEventListener("click", () => { taken = true; });
  holder.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") taken = false;
  });
  addEventListener("blur", () => { taken = false; });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") taken = false;
  });

  for (const [name, change] of [["pointerdown", "add"], ["pointerup", "delete"], ["pointercancel", "delete"]]) {
    holder.addEventListener(name, (event) => {
      if (event.pointerType === "touch") fingers[change](event.pointerId);
    }, { capture: true });
  }
  viewer.addHandler("canvas-drag", (event) => {
    if (event.pointerType === "touch" && fingers.size < 2) event.preventDefaultAction = true;
  });
  viewer.addHandler("canvas-drag-end", (event) => {
    if (event.pointerType === "touch" && fingers.size < 2) event.preventDefaultAction = true;
  });
  const zoom = document.getElementById("zoom");
  zoom.addEventListener("touchmove", (event) => {
    if (event.touches.length === 1) say(holder.dataset.touch);
    else if (event.cancelable) event.preventDefault();
  }, { passive: false });
}

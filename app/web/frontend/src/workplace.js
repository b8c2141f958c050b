// What people who may write do on the page of a specimen: forms are sent without leaving it, and what has changed is taken over
// from the page that answers (pages.js). Without this script each form leads to that page. Loaded for them alone.
import { tool } from "./measure.js";

const status = document.createElement("p");
status.id = "answered";
status.setAttribute("role", "status");
document.body.append(status);

let fades = 0;

function tell(sentence, wrong = false) {
  status.textContent = sentence;
  status.className = wrong ? "wrong" : "";
  clearTimeout(fades);
  if (!wrong) fades = setTimeout(() => (status.textContent = ""), 6000);
}

function done(form, button) {
  if (form.id === "measure") return "The line is kept.";
  if (form.action.includes("/undo")) return "Your verdict is taken back.";
  if (form.action.includes("/delete")) return "It is deleted.";
  if (form.action.includes("/comments") || form.action.includes("/change")) return "Your comment is kept.";
  return button?.value === "approved" ? "Accepted." : form.elements.text || form.elements.value ? "Your statement stands in its place." : "Rejected.";
}

async function send(form, button) {
  const fields = new FormData(form, button);
  const address = new URL(form.action);
  address.search = location.search; // the layers that are on now, whichever were when the form was written
  if (button) button.disabled = true;
  try {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) return tell(page.querySelector(".detail")?.textContent ?? "This did not work.", true);
    for (const field of form.querySelectorAll("textarea, input:not([type='hidden'])")) field.value = field.defaultValue;
    form.closest("details[id]:not(.talk)")?.removeAttribute("open"); // an answered question is folded again
    document.dispatchEvent(new CustomEvent("fresh", { detail: page }));
    if (form.id === "measure") tool.end();
    tell(done(form, button));
    focusOn(new URL(answer.url).hash.slice(1) || form.dataset.then);
  } catch {
    tell("The server does not answer. Nothing was lost: try again.", true);
  } finally {
    if (button) button.disabled = false;
  }
}

// A redirect's fragment is not told to scripts: where a form stood in a card, the card is where people go on.
function focusOn(id) {
  document.getElementById(id)?.focus({ preventScroll: true });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("#findings, #comments, #measuring")) return;
  event.preventDefault();
  form.dataset.then = form.closest(".comment")?.id ?? form.closest(".finding")?.id ?? form.closest("section")?.id ?? "findings";
  send(form, event.submitter);
});

const panel = document.getElementById("measuring");
panel?.addEventListener("toggle", () => (panel.open ? tool.begin(panel) : tool.end()));

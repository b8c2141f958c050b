// What helps on the search page: words that begin like the one typed, sliders that ask when they are let go, a search inside long
// facets, columns that are kept, and keys. Without this script every part is a link or a form.

const SETTLED_MS = 120;
const FIELDS = ["family:", "genus:", "country:", "year:", "has:", "none:", "kind:", "length:", "collector:", "place:", "typeStatus:", "state:"];

// Completion: an ARIA combobox (APG, editable with list autocomplete) over /api/search/terms and the names of fields.
const box = document.querySelector("input[data-complete]");
if (box) {
  const list = document.createElement("ul");
  Object.assign(list, { id: "words-begun", className: "words-begun", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Words that begin so");
  box.closest("form").append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })) {
    box.setAttribute(name, value);
  }
  let [chosen, timer, asked] = [-1, 0, 0];

  const last = () => box.value.slice(0, box.selectionStart).match(/[^\s"]*$/)[0];
  const close = () => {
    list.hidden = true;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    const options = [...list.children];
    chosen = (index + options.length + 1) % (options.length + 1);
    if (chosen === options.length) chosen = -1;
    for (const [place, option] of options.entries()) option.setAttribute("aria-selected", String(place === chosen));
    if (chosen < 0) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", options[chosen].id);
  };
  const take = (value) => {
    const [start, end] = [box.selectionStart - last().length, box.selectionStart];
    const space = value.endsWith(":") ? "" : " ";
    box.setRangeText(value + space, start, end, "end");
    close();
    box.focus();
  };
  const show = (found) => {
    list.replaceChildren(...found.map(({ value, total }, index) => {
      const option = document.createElement("li");
      option.id = `word-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.append(value);
      if (total !== undefined) {
        const count = document.createElement("span");
        count.className = "count";
        count.textContent = total.toLocaleString("en");
        option.append(count);
      }
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(value);
      });
      return option;
    }));
    chosen = -1;
    list.hidden = found.length === 0;
    box.setAttribute("aria-expanded", String(found.length > 0));
  };
  const complete = async () => {
    const [begun, turn] = [last(), ++asked];
    if (!begun.replace(/^-/, "")) return close();
    const fields = FIELDS.filter((name) => name.toLowerCase().startsWith(begun.toLowerCase()) && name !== begun).map((value) => ({ value }));
    try {
      const answer = /[:*~]/.test(begun) ? null : await fetch(`${box.dataset.complete}?limit=8&q=${encodeURIComponent(begun)}`);
      const words = answer?.ok ? (await answer.json()).items : [];
      if (turn === asked && document.activeElement === box) show([...fields, ...words.filter(({ value }) => value !== begun)].slice(0, 10));
    } catch {
      close(); // the server is away: what is typed is asked all the same
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(complete, SETTLED_MS);
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) complete();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    else if (event.key === "Escape" && !list.hidden) close();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(list.children[chosen].firstChild.textContent);
    else return;
    event.preventDefault();
  });
}

function prepare() {
  for (const form of document.querySelectorAll("form[data-order]:not([data-scripted])")) {
    form.dataset.scripted = "";
    form.querySelector("button").hidden = true;
    form.querySelector("select").addEventListener("change", () => form.requestSubmit());
  }
  for (const form of document.querySelectorAll("form[data-range]:not([data-scripted])")) {
    form.dataset.scripted = "";
    form.querySelector("button").hidden = true;
    const [low, high] = form.querySelectorAll("input[type='range']");
    for (const one of [low, high]) {
      one.addEventListener("input", () => {
        if (Number(low.value) > Number(high.value)) (one === low ? high : low).value = one.value;
        for (const end of [low, high]) end.previousElementSibling.value = end.value;
      });
      one.addEventListener("change", () => form.requestSubmit());
    }
  }
  for (const list of document.querySelectorAll("ul[data-filter]:not([data-scripted])")) {
    list.dataset.scripted = "";
    const field = document.createElement("input");
    Object.assign(field, { type: "search", className: "narrowing", placeholder: "Search in these" });
    field.setAttribute("aria-label", `Search in ${list.dataset.filter}`);
    field.addEventListener("input", () => {
      for (const item of list.children) item.hidden = !item.textContent.toLowerCase().includes(field.value.toLowerCase());
    });
    list.before(field);
  }
}

// The columns of each type of thing are kept on this machine; the address says them, so that it can be shared.
const form = document.querySelector("form[data-columns]");
if (form) {
  const name = `columns of ${form.dataset.columns}`;
  const query = new URLSearchParams(location.search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const columns = [...form.querySelectorAll("input:checked")].map((one) => one.value).join(",");
    if (columns) query.set("columns", columns);
    else query.delete("columns");
    localStorage.setItem(name, columns);
    location.assign(`${location.pathname}?${query}`);
  });
  const kept = localStorage.getItem(name);
  if (kept && !query.has("columns")) {
    query.set("columns", kept);
    location.replace(`${location.pathname}?${query}`);
  }
}

// j and k, or the arrows beside them, go from hit to hit.
document.addEventListener("keydown", (event) => {
  if (!["j", "k"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const links = [...document.querySelectorAll("#results :is(.mount h3 a, .hit h3 a, .rows tbody tr > td:first-child a)")];
  const now = links.indexOf(document.activeElement);
  links[Math.min(Math.max(now + (event.key === "j" ? 1 : -1), 0), links.length - 1)]?.focus();
});

document.addEventListener("swapped", prepare);
prepare();

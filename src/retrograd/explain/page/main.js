// Puts the parts together: selection, search, keyboard, theme.

const data = JSON.parse(document.getElementById("data").textContent);
const model = new Model(data);
const find = (id) => document.getElementById(id);

const state = { selected: null };

const view = new GraphView(model, {
  select,
  notice,
  toggled: () => view.update(),
});

const panel = new Panel(model, {
  select: (node) => {
    if (node) view.reveal(node);
    select(node);
    if (node) view.bring(node);
  },
  highlight: (nodes) => view.mark({ highlighted: nodes }),
  editable: (node) => model.editable(node),
  edit: (node, place, value) => {
    model.edit(node, place, value);
    renew(place);
  },
});

const player = new Player(model.positions.length, model.forwardEnd, (position) => {
  panel.step(position);
  view.mark({ position });
  const at = model.positions[position];
  if (at.node && started) view.bring(at.target ?? at.node);
});

function select(node) {
  state.selected = node;
  panel.show(node);
  view.mark({ selected: node, highlighted: null });
}

/** Show numbers that have changed; `place`: the field that had the focus. */
function renew(place = null) {
  summary();
  find("reset").hidden = !model.edited;
  panel.step(player.position);
  panel.show(state.selected);
  view.draw({ keep: state.selected });
  if (place !== null) find("detail").querySelectorAll(".editor input")[place].focus();
}

let noticed = 0;
function notice(text) {
  find("notice").textContent = text;
  find("notice").hidden = false;
  clearTimeout(noticed);
  noticed = setTimeout(() => (find("notice").hidden = true), 4000);
}

// ------------------------------------------------------------------ search

const search = find("search");
const results = find("results");
const MOST_RESULTS = 12;
let choice = 0;

function showResults() {
  const found = model.search(search.value).slice(0, MOST_RESULTS);
  choice = 0;
  results.replaceChildren(
    ...found.map((node, i) => {
      const item = element("li", { role: "option", id: `result-${i}` });
      item.append(name(node.id), element("span", {}, titleOf(node)));
      item.append(element("span", { class: "caption" }, node.name));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(node);
      });
      item.node = node;
      return item;
    }),
  );
  if (!found.length && search.value.trim()) {
    results.append(element("li", { class: "none" }, "nothing found"));
  }
  results.hidden = !search.value.trim();
  search.setAttribute("aria-expanded", String(!results.hidden));
  choose(0);
}

function choose(place) {
  const items = [...results.querySelectorAll("[role=option]")];
  if (!items.length) return search.removeAttribute("aria-activedescendant");
  choice = (place + items.length) % items.length;
  items.forEach((item, i) => item.setAttribute("aria-selected", String(i === choice)));
  items[choice].scrollIntoView({ block: "nearest" });
  search.setAttribute("aria-activedescendant", items[choice].id);
}

function take(node) {
  search.value = "";
  showResults();
  search.blur();
  view.reveal(node);
  select(node);
  view.bring(node);
  view.focus(node);
}

search.addEventListener("input", showResults);
search.addEventListener("focus", showResults);
search.addEventListener("blur", () => {
  results.hidden = true;
  search.setAttribute("aria-expanded", "false");
});
search.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) choose(choice + by);
  else if (event.key === "Enter") {
    const item = results.querySelectorAll("[role=option]")[choice];
    if (item) take(item.node);
  } else if (event.key === "Escape") {
    search.value = "";
    search.blur();
  } else return event.stopPropagation();
  event.preventDefault();
  event.stopPropagation();
});

// ------------------------------------------------------------------ keyboard

/** The card next to the focused one: its first input above, its first user below. */
function neighbour(id, up) {
  const edges = view.edges.filter((e) => (up ? e.to.id : e.from.id) === id);
  return edges.length ? (up ? edges[0].from : edges[0].to) : null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const within = event.target.localName;
  if (["input", "select", "textarea"].includes(within) && event.key !== "Escape")
    return;
  const focused = event.target.getAttribute?.("data-id");
  const acts = {
    ArrowRight: () => player.step(1),
    ArrowLeft: () => player.step(-1),
    Home: () => player.go(0),
    End: () => player.go(player.count - 1),
    " ": () => player.toggle(),
    "/": () => search.focus(),
    Escape: () => (player.playing ? player.pause() : select(null)),
  };
  if (focused && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    const next = neighbour(focused, event.key === "ArrowUp");
    if (next) {
      view.bring(next);
      view.focus(next);
    }
    return event.preventDefault();
  }
  if (event.key === " " && within === "button") return;
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});

// ------------------------------------------------------------------ theme

const dark = matchMedia("(prefers-color-scheme: dark)");

function theme(chosen) {
  const isDark = chosen ? chosen === "dark" : dark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  find("theme").setAttribute("aria-pressed", String(isDark));
}

/** What was chosen before, if the browser keeps it for this page. */
function remembered(value) {
  try {
    if (value) localStorage.setItem("retrograd-theme", value);
    return localStorage.getItem("retrograd-theme");
  } catch {
    return null;
  }
}

theme(remembered());
dark.addEventListener("change", () => theme(remembered()));
find("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  remembered(next);
  theme(next);
});

// ------------------------------------------------------------------ start

find("title").textContent = data.title;
find("reset").addEventListener("click", () => {
  model.reset();
  renew();
});
find("fit").addEventListener("click", () => view.fit());
find("zoom-in").addEventListener("click", () => view.zoomBy(1.3));
find("zoom-out").addEventListener("click", () => view.zoomBy(1 / 1.3));
find("expand-all").addEventListener("click", () => view.setAll(true));
find("collapse-all").addEventListener("click", () => view.setAll(false));

function summary() {
  const values = data.f.nodes.map((id) => brief(model.byId.get(id).value, 6));
  const count = model.nodes.length;
  find("summary").textContent = `f = ${values.join(" + ")} · ${count} nodes`;
}

// for the console: all numbers, as they are now
window.explanation = data;
let started = false;
summary();
view.draw({ fit: true });
player.go(model.positions.length - 1);
panel.show(null);
started = true;
new ResizeObserver(() => {
  if (!view.touched) view.fit();
}).observe(find("stage"));
document.documentElement.dataset.ready = String(Math.round(performance.now()));

// Served pages: look for a new version, and replace the parts that differ from those that the server sent before. What a reader
// has opened, sorted or filtered stays.
const partsOf = page => [...page.querySelectorAll("body > header, body > nav, main > section")];
const nameOf = part => part.id || part.tagName;
const sent = new Map();
function remember(page) {
  sent.clear();
  for (const part of partsOf(page)) sent.set(nameOf(part), part.outerHTML);
}
remember(document);
function keepState(old, part) {
  const details = part.querySelectorAll("details");
  old.querySelectorAll("details").forEach((d, i) => { if (details[i]) details[i].open = d.open; });
  for (const input of old.querySelectorAll("input[id], input[data-filter]")) {
    const other = part.querySelector(input.id ? "#" + CSS.escape(input.id) : `input[data-filter="${CSS.escape(input.dataset.filter)}"]`);
    if (other) other.value = input.value;
  }
  const areas = part.querySelectorAll(".scroll");
  return [...old.querySelectorAll(".scroll")].map((a, i) => [areas[i], a.scrollLeft, a.scrollTop]).filter(([a]) => a);
}
function sortAgain(old, part) {
  for (const table of old.querySelectorAll("table.sortable[id]")) {
    const other = part.querySelector("#" + CSS.escape(table.id));
    const column = [...table.tHead.rows[0].cells].findIndex(h => h.hasAttribute("aria-sort"));
    const button = other && column >= 0 && other.tHead.rows[0].cells[column]?.querySelector("button");
    if (!button) continue;
    const wanted = table.tHead.rows[0].cells[column].getAttribute("aria-sort");
    for (let i = 0; i < 2 && button.parentElement.getAttribute("aria-sort") !== wanted; i++) button.click();
  }
}
function replacePart(old, part) {
  const scrolled = keepState(old, part);
  old.replaceWith(part);
  enliven(part);
  sortAgain(old, part);
  for (const input of document.querySelectorAll("input[data-filter]")) if (input.value) input.dispatchEvent(new Event("input"));
  for (const [area, left, top] of scrolled) area.scrollTo(left, top);
}
// merge shows a new version of the page. A part in which the reader is with the keyboard waits.
function merge(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const now = partsOf(document), next = partsOf(page);
  document.title = page.title;
  if (now.map(nameOf).join() !== next.map(nameOf).join()) {
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    enliven(document.querySelector("main"));
    for (const name of ["header", "nav"]) {
      const old = document.querySelector("body > " + name), part = page.querySelector("body > " + name);
      if (old && part) old.replaceWith(document.adoptNode(part));
    }
    remember(document);
    return;
  }
  now.forEach((old, i) => {
    const html = next[i].outerHTML, name = nameOf(old);
    if (sent.get(name) === html || old.matches(":focus-within")) return;
    sent.set(name, html);
    replacePart(old, document.adoptNode(next[i]));
  });
}
let lastText = "";
async function look() {
  const connection = document.getElementById("connection");
  try {
    const answer = await fetch(location.pathname, {cache: "no-cache", credentials: "same-origin"});
    if (!answer.ok) throw new Error(`the server answers with status ${answer.status}`);
    const text = await answer.text();
    if (text !== lastText) merge(text);
    showBadge();
    lastText = text;
    if (connection) connection.textContent = "";
  } catch (e) {
    const now = document.getElementById("connection");
    if (now) now.textContent = `Not connected to the server (${e.message}); the page is as of before.`;
  }
}
const interval = parseInt(document.body.dataset.interval);
if (interval > 0) setInterval(() => { if (!document.hidden) look(); }, 1000 * interval);
document.addEventListener("visibilitychange", () => { if (!document.hidden && interval > 0) look(); });
if (location.hash.startsWith("#token=")) {
  sessionStorage.setItem("token", location.hash.slice(7));
  history.replaceState(null, "", location.pathname + location.search);
}
// The run now: the server sends its state at most twice a second.
const status = document.getElementById("live-status");
function statusText(state) {
  const s = state.step, v = state.validation, parts = [];
  if (!s) return "The first step has not ended yet.";
  const number = (x, digits) => x == null ? "not finite" : Number(x.toPrecision(digits)).toString();
  parts.push(`epoch ${s.epoch}${state.epochs ? " of " + state.epochs : ""}`);
  parts.push(v ? `validation batch ${v.batch} of ${v.batches}` : `batch ${s.batch} of ${s.batches}`);
  parts.push(`step ${s.step}${state.steps ? " of " + state.steps : ""}`, `loss ${number(s.loss, 4)}`, `learning rate ${number(s.lr, 4)}`);
  if (s.images_per_second != null) parts.push(`${Math.round(s.images_per_second)} img/s`);
  return parts.join(" \u00b7 ");
}
// showBadge shows the present state in the head, which the server renders more rarely.
let badge = "";
function showBadge() {
  const place = document.querySelector("body > header .state");
  if (!place || !badge) return;
  place.textContent = badge;
  place.className = "state " + badge;
}
function showState(state) {
  if (!status) return;
  badge = state.state === "validating" ? "running" : state.state;
  showBadge();
  showControls(state);
  status.textContent = (state.state === "running" ? "" : state.state + " \u00b7 ") + statusText(state);
  if (state.steps && state.step) document.getElementById("live-progress").value = state.step.step / state.steps;
}
if (document.body.dataset.stream) {
  const stream = new EventSource(document.body.dataset.stream);
  stream.addEventListener("state", e => showState(JSON.parse(e.data)));
  for (const kind of ["epoch", "checkpoint", "control", "done"]) stream.addEventListener(kind, () => look());
}

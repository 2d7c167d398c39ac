"use strict";
const ROWS_A_BLOCK = Number(document.body.dataset.rowsABlock), SIDE = Number(document.body.dataset.side);
const EXEMPLARS_A_BLOCK = 256, A_PAGE = 50, FIELDS = ["paradigm", "kind", "set"], KEYS = ["q", ...FIELDS, "row"];
const at = id => document.getElementById(id);
const say = text => { at("count").textContent = text; };
const number = value => value.toLocaleString("en");
const words = name => name.replaceAll("_", " ");

// A block is packed JSON. The browser unpacks it on demand and keeps the last few.
const unpacked = new Map();
function unpack(id) {
  if (!unpacked.has(id)) {
    if (unpacked.size > 24) unpacked.delete(unpacked.keys().next().value);
    unpacked.set(id, (async () => {
      // The details follow this script, so that rows can be searched while the browser still reads them.
      if (!at(id) && document.readyState === "loading") await new Promise(read => addEventListener("DOMContentLoaded", read, { once: true }));
      const packed = await (await fetch("data:application/octet-stream;base64," + at(id).textContent)).blob();
      return new Response(packed.stream().pipeThrough(new DecompressionStream("deflate"))).json();
    })());
  }
  return unpacked.get(id);
}

function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const state = { q: "", paradigm: "", kind: "", set: "", row: "" };
let rows, texts, starts = [], found = [], page = 0, place = -1, asked = 0;

// Most texts are ASCII; for those the first way is several times as fast.
const fold = text => /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase().replace(/[^a-z0-9]+/g, " ").trim() : text.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "").replace(/[^\p{L}\p{N}]+/gu, " ").trim();
// Folding all questions is too slow for a search. The ASCII letters of the first word rule most of them out.
function opens(n, opening) {
  const first = /^[^a-z0-9\x80-\uffff]*([a-z0-9]+)(?=[\x00-\x7f]|$)/i.exec(rows.question[n])?.[1].toLowerCase();
  if (first && !opening.startsWith(first)) return false;
  return (starts[n] ??= fold(rows.question[n].slice(0, 60)) + " ").startsWith(opening + " ");
}
const terms = query => query.startsWith("^") ? [] : (query.toLowerCase().match(/"[^"]+"|\S+/g) || []).map(term => term.replaceAll('"', "")).filter(Boolean);

function search() {
  const began = performance.now();
  const wanted = FIELDS.map(field => state[field] === "" ? -1 : rows.names[field].indexOf(state[field]));
  const needed = terms(state.q), opening = state.q.startsWith("^") ? fold(state.q) : "";
  found = [];
  for (let n = 0; n < texts.length; n++) {
    if (wanted.some((value, i) => value >= 0 && rows[FIELDS[i]][n] !== value)) continue;
    if (opening && !opens(n, opening)) continue;
    if (needed.every(term => texts[n].includes(term))) found.push(n);
  }
  document.body.dataset.searchMs = (performance.now() - began).toFixed(1);
}

// Marks the search terms by nodes, so that a model's text never becomes markup.
function marked(text) {
  const needed = terms(state.q);
  if (!needed.length) return [text];
  const pattern = new RegExp("(" + needed.map(term => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "giu");
  return text.split(pattern).map((part, i) => i % 2 ? make("mark", {}, part) : part);
}

const hash = changes => {
  const all = { ...state, ...changes };
  return "#" + new URLSearchParams(KEYS.filter(key => all[key]).map(key => [key, all[key]]));
};
function remember() {
  // Inside Snakemake's own report the page's address cannot be changed.
  try { history.replaceState(null, "", hash({})); } catch { /* the screen still shows the state */ }
}

function tagsOf(n) { return FIELDS.map(field => words(rows.names[field][rows[field][n]])).join(" · "); }

function list() {
  const shown = found.slice(page * A_PAGE, (page + 1) * A_PAGE);
  at("list").replaceChildren(...shown.map(n => make("li", {},
    make("a", { href: hash({ row: rows.id[n] }), "data-n": n, "aria-current": rows.id[n] === state.row ? "true" : null },
      make("span", { class: "text", dir: "auto" }, ...marked(rows.question[n])), make("span", { class: "tag" }, tagsOf(n))))));
  const pages = Math.max(1, Math.ceil(found.length / A_PAGE));
  at("page").textContent = `page ${number(page + 1)} of ${number(pages)}`;
  at("before").disabled = page === 0;
  at("after").disabled = page + 1 >= pages;
}

function refresh() {
  search();
  page = 0;
  place = found.findIndex(n => rows.id[n] === state.row);
  if (place >= 0) page = Math.floor(place / A_PAGE);
  list();
  say(`${number(found.length)} of ${number(texts.length)} rows`);
  requestAnimationFrame(draw); // the list first
}

const detailsOf = async n => (await unpack("rows-" + Math.floor(n / ROWS_A_BLOCK)))[n % ROWS_A_BLOCK];
const exemplarOf = async n => (await unpack("exemplars-" + Math.floor(n / EXEMPLARS_A_BLOCK)))[n % EXEMPLARS_A_BLOCK];

function documentShown([title, text, cut, role, rank, score, id, bits, demoted]) {
  const gained = bits === null ? "" : role === "source" || demoted ? `, ${bits} bits lost without it` : `, gives ${bits} bits per token alone`;
  const part = make("div", { class: "document " + role });
  part.append(make("div", {}, make("span", { class: "role" }, role), make("strong", { dir: "auto" }, ...marked(title || "Untitled")),
    make("span", { class: "tag" }, ` rank ${rank}, score ${score}, passage ${id}${gained}${demoted ? ", superfluous" : ""}`)));
  part.append(make("p", { dir: "auto" }, ...marked(text), cut ? make("span", { class: "tag" }, `… (${number(cut)} more characters in the data set's file)`) : ""));
  return part;
}

// In a shortened raw answer two signs replace the row's own texts.
const SIGNS = /[\ue000\ue001]/g;
const said = (reply, n) => reply.short ? reply.text.replace(SIGNS, sign => (sign === "\ue001" ? rows.question : rows.answer)[n]) : reply.text;

function repliesShown(replies, n) {
  const all = make("details", {}, make("summary", {}, replies.length === 1 ? "Raw answer" : `Raw answers (${replies.length})`));
  for (const reply of replies) {
    all.append(make("p", { class: "tag" }, `request ${reply.key}, finish reason: ${reply.end}`), make("pre", { dir: "auto" }, said(reply, n)));
  }
  return all;
}

async function show(n, focus) {
  const mine = ++asked;
  const one = await detailsOf(n), exemplar = await exemplarOf(one.exemplar);
  if (mine !== asked) return; // meanwhile the reader chose another
  const article = at("row"), block = (title, ...parts) => make("div", {}, make("h3", {}, title), ...parts);
  const back = make("button", { type: "button", class: "back" }, "← Back to the list");
  back.addEventListener("click", () => at("browser").classList.remove("reading"));
  const hidden = one.hidden_passages.length ? [make("p", { class: "tag" }, `Left out of the row because they contain the answer: passages ${one.hidden_passages.join(", ")}`)] : [];
  const links = one.links.map(([naming, named, said]) => make("p", { class: "tag" }, `Linked: passage ${naming} says “${said}”, the article of passage ${named}`));
  const tokens = rows.tokens[n] ? ` · ${number(rows.tokens[n])} tokens` : "";
  article.replaceChildren(
    make("div", { class: "acts" }, back, make("span", { class: "tag" }, tagsOf(n) + tokens + (one.intended ? ` · written for ${words(one.intended)}` : "")),
      make("a", { href: "#row=" + encodeURIComponent(rows.id[n]) }, "Link to this row")),
    make("div", { class: "pair" },
      block("Question", make("p", { class: "question", dir: "auto" }, ...marked(rows.question[n]))),
      block("Exemplar that it imitates", make("div", { class: "exemplar", dir: "auto", tabindex: "0" }, exemplar),
        make("p", { class: "tag" }, `${one.exemplar_id}, ${one.license}`))),
    block("Answer", make("p", { class: "said", dir: "auto" }, ...marked(rows.answer[n])),
      ...(one.withheld ? [make("p", { class: "tag", dir: "auto" }, `This row declines. With the hidden passage, the answer would be: ${one.withheld}`)] : [])),
    block(`${one.documents.length} documents (${one.corpus_license})`, ...one.documents.map(documentShown), ...links, ...hidden),
    block("Origin", make("p", { class: "tag" }, `${rows.id[n]} · ${one.teacher}, prompts ${one.prompts}, version ${one.prompt_version}`), repliesShown(one.replies, n)));
  article.scrollTop = 0;
  if (focus) { at("browser").classList.add("reading"); article.focus({ preventScroll: true }); }
}

function choose(n, focus = true) {
  state.row = rows.id[n];
  place = found.indexOf(n);
  if (place >= 0) page = Math.floor(place / A_PAGE);
  remember();
  list();
  at("list").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  draw();
  show(n, focus);
}

function step(by) {
  const next = Math.min(Math.max(place + by, 0), found.length - 1);
  if (found.length && next !== place) choose(found[next]);
}

// The map of questions: all points, and those found in colour.
let painted = null;
function draw() {
  const canvas = at("map"), scale = devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
  const width = canvas.clientWidth, height = canvas.clientHeight, context = canvas.getContext("2d");
  if (!rows || !width) return;
  canvas.width = width * scale; canvas.height = height * scale;
  context.scale(scale, scale);
  const side = Math.min(width, height * 2) - 20, dot = texts.length > 5000 ? 2 : texts.length > 500 ? 4 : 7;
  const x = n => width / 2 + (rows.x[n] / SIDE - .5) * side, y = n => height / 2 - (rows.y[n] / SIDE - .5) * Math.min(side, (height - 20));
  painted = { x, y };
  // light-dark() is resolved by an element's colour only.
  const ink = name => { const probe = make("i", { style: `color: var(${name})` }); canvas.parentNode.append(probe); const value = getComputedStyle(probe).color; probe.remove(); return value; };
  context.fillStyle = ink("--line");
  if (found.length < texts.length) for (let n = 0; n < texts.length; n++) context.fillRect(x(n) - dot / 2, y(n) - dot / 2, dot, dot);
  context.globalAlpha = texts.length > 5000 ? .6 : .85;
  const colours = rows.names.paradigm.map((_, i) => ink("--s" + i % 5));
  for (const n of found) { context.fillStyle = colours[rows.paradigm[n]]; context.fillRect(x(n) - dot / 2, y(n) - dot / 2, dot, dot); }
  context.globalAlpha = 1;
  const chosen = rows.id.indexOf(state.row);
  if (chosen >= 0) { context.strokeStyle = ink("--text"); context.lineWidth = 2; context.beginPath(); context.arc(x(chosen), y(chosen), dot + 4, 0, 7); context.stroke(); }
}
function nearest(event) {
  const box = at("map").getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  let best = -1, least = 15 ** 2;
  for (const n of found) {
    const far = (painted.x(n) - px) ** 2 + (painted.y(n) - py) ** 2;
    if (far < least) { least = far; best = n; }
  }
  return best;
}
at("map").addEventListener("pointermove", event => {
  const n = painted ? nearest(event) : -1, tip = at("tip");
  tip.hidden = n < 0;
  if (n < 0) return;
  tip.textContent = rows.question[n].slice(0, 160);
  tip.style.left = Math.min(painted.x(n) + 12, at("map").clientWidth - tip.offsetWidth - 4) + "px";
  tip.style.top = Math.min(painted.y(n) + 12, at("map").clientHeight - tip.offsetHeight - 4) + "px";
});
at("map").addEventListener("pointerleave", () => { at("tip").hidden = true; });
at("map").addEventListener("click", event => {
  const n = painted ? nearest(event) : -1;
  if (n >= 0) { choose(n); at("rows").scrollIntoView(); }
});

function restore(scroll) {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!KEYS.some(key => given.has(key))) return false;
  for (const key of KEYS) state[key] = given.get(key) || "";
  for (const field of ["q", ...FIELDS]) at(field).value = state[field];
  refresh();
  const n = state.row ? rows.id.indexOf(state.row) : -1, toRows = () => { if (scroll) at("rows").scrollIntoView(); };
  if (n >= 0) show(n, true).then(toRows); // the row makes the page longer
  else if (state.row) say(`There is no row ${state.row} in this data set.`);
  else { at("browser").classList.remove("reading"); if (found.length) show(found[0], false); }
  toRows();
  return true;
}

for (const field of FIELDS) at(field).addEventListener("change", event => { state[field] = event.target.value; at("browser").classList.remove("reading"); refresh(); remember(); });
at("q").addEventListener("input", event => { state.q = event.target.value; at("browser").classList.remove("reading"); refresh(); remember(); });
at("search").addEventListener("submit", event => { event.preventDefault(); at("list").querySelector("a")?.focus(); });
at("clear").addEventListener("click", () => { for (const key of KEYS) state[key] = ""; for (const field of ["q", ...FIELDS]) at(field).value = ""; refresh(); remember(); at("q").focus(); });
at("before").addEventListener("click", () => { page--; list(); });
at("after").addEventListener("click", () => { page++; list(); });
at("list").addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(Number(link.dataset.n));
});
document.addEventListener("keydown", event => {
  if (!rows || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, select, textarea"), tooltip = event.target.closest(".why");
  if (event.key === "Escape" && tooltip) return event.target.blur();
  if (event.key === "Escape") { at("browser").classList.remove("reading"); at("q").focus(); }
  if (typing) return;
  const inList = event.target.closest("#list, #row");
  if (event.key === "/") { event.preventDefault(); at("q").focus(); at("rows").scrollIntoView(); }
  else if (event.key === "j" || (event.key === "ArrowDown" && event.target.closest("#list"))) { event.preventDefault(); step(1); if (inList) keep(event); }
  else if (event.key === "k" || (event.key === "ArrowUp" && event.target.closest("#list"))) { event.preventDefault(); step(-1); if (inList) keep(event); }
});
// Safari does not focus a button that is tapped, and the focus shows what a reason means.
document.addEventListener("click", event => event.target.closest(".why button")?.focus());
// The focus stays in the list, so that arrows keep working.
function keep(event) { if (event.target.closest("#list")) at("list").querySelector("[aria-current]")?.focus(); }
addEventListener("hashchange", () => restore(true));
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

(async () => {
  if (typeof DecompressionStream === "undefined") return say("This browser is too old to unpack the rows: Chrome 103, Firefox 113 or Safari 16.4 can.");
  rows = await unpack("index");
  unpacked.clear();
  texts = rows.question.map((question, n) => `${question}\n${rows.answer[n]}\n${rows.titles[n]}\n${rows.id[n]}`.toLowerCase());
  for (const field of FIELDS) for (const name of rows.names[field]) at(field).append(make("option", { value: name }, words(name)));
  if (!restore(true)) { refresh(); if (found.length) show(found[0], false); }
  document.body.dataset.readyMs = performance.now().toFixed(0);
})();

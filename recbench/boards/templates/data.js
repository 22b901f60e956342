// What the page is made of: rows as columns of numbers, where text is the number of a string; and nodes to show it.

const packed = JSON.parse(document.getElementById("data").textContent);
const { board, columns, entries, strings, tiers } = packed;
const isNumeric = (name) => ["number", "low", "high"].includes(columns[name].kind);

function unpacked(name) {
  let values = packed.rows[name];
  if (values.runs) {
    const { runs } = values;
    values = [];
    for (let i = 0; i < runs.length; i += 2) for (let left = runs[i + 1]; left > 0; left--) values.push(runs[i]);
  }
  const scale = 10 ** columns[name].packed;
  return isNumeric(name) ? values.map((value) => (value === null ? null : value / scale)) : values;
}

const rows = Object.fromEntries(Object.keys(columns).map((name) => [name, unpacked(name)]));
const numRows = rows.entry.length;
const levels = new Map(packed.levels.map(([text, amount, unit]) => [text, { amount, unit }]));
const headlines = new Map(packed.headlines);
const levelColumn = Object.keys(columns).find((name) => columns[name].kind === "level");

// Rows of different contestants in one cell are compared with each other.
const cellOf = (() => {
  const names = board.filters.filter((name) => name !== board.contestant);
  const seen = new Map();
  return Array.from({ length: numRows }, (_, row) => {
    const key = names.map((name) => rows[name][row]).join();
    if (!seen.has(key)) seen.set(key, seen.size);
    return seen.get(key);
  });
})();

// What entries state of all their rows of one contestant at one level.
const statedMeans = new Map(
  packed.means.map(([contestant, level, entry, wanted, ...numbers]) => {
    const [value, low, high] = numbers.map((number) => number / 10 ** columns[board.measure].packed);
    return [[contestant, level, entry].join(), { wanted, numbers: { [board.measure]: value, low, high } }];
  }),
);

const tierOf = (row) => entries[rows.entry[row]].tier;
const text = (name, row) => strings[rows[name][row]];

function format(value, digits) {
  if (value === null || value === undefined) return "–";
  const shown = Math.abs(value).toFixed(digits);
  return value < 0 && Number(shown) !== 0 ? `−${shown}` : shown;
}

const span = (low, high, digits) =>
  low === null || high === null ? "–" : `${format(low, digits)} to ${format(high, digits)}`;

// Nodes are made one by one and text is only ever text: nothing that an entry says is read as markup.
function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const html = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
// Text of unknown length and direction, which a table may cut: all of it is its title.
const plain = (string, kind = null) => html("bdi", { class: kind, title: string }, string);
// A name with parameters, which may break before each of them.
const label = (string) =>
  html("bdi", { class: "code", title: string }, ...string.split(/(?<=[[,])/).flatMap((part) => [part, html("wbr")]));
const byId = (id) => document.getElementById(id);

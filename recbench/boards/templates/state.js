// What is shown: the filters, kept in the fragment of the address so that a view can be linked; and means over it.

const ALL = "*";
const HEADLINE = "headline"; // each feedback type in the metric that stands for it
const SORTS = ["by", "sort"]; // of the summary, of the rows

function start() {
  const filters = Object.fromEntries(board.filters.map((name) => [name, packed.start[name] ?? ALL]));
  if ("metric" in filters) filters.metric = HEADLINE;
  return { filters, tier: 0, search: "", by: "", sort: "", show: null, entry: "" };
}

let view = start();
const lowered = strings.map((string) => string.toLowerCase());

function passes(name, row) {
  const wanted = view.filters[name];
  if (wanted === HEADLINE) return rows.metric[row] === headlines.get(rows.feedback[row]);
  return wanted === ALL || rows[name][row] === wanted;
}

function matching() {
  const sought = view.search.trim().toLowerCase();
  const found = lowered.map((string) => string.includes(sought));
  const kept = [];
  for (let row = 0; row < numRows; row++) {
    if (tierOf(row) < view.tier || !found[rows[board.contestant][row]]) continue;
    if (board.filters.every((name) => passes(name, row))) kept.push(row);
  }
  return kept;
}

// Metrics differ between feedback types: a filter offers what the chosen one has.
function optionsOf(name) {
  if (name !== "metric" || view.filters.feedback === ALL) return packed.options[name];
  const there = new Set();
  rows.metric.forEach((metric, row) => passes("feedback", row) && there.add(metric));
  return packed.options.metric.filter((metric) => there.has(metric));
}

function choose(name, value) {
  view.filters[name] = value;
  const { metric } = view.filters;
  if (name === "feedback" && metric !== HEADLINE && metric !== ALL && !optionsOf("metric").includes(metric)) {
    view.filters.metric = HEADLINE;
  }
}

function readFragment() {
  view = start();
  const found = new URLSearchParams(location.hash.slice(1));
  for (const name of board.filters) {
    const wanted = found.get(name);
    const option = packed.options[name].find((each) => strings[each] === wanted);
    if (option !== undefined) choose(name, option);
    else if (wanted === ALL) choose(name, ALL);
  }
  view.tier = Math.max(0, tiers.indexOf(found.get("tier")));
  view.search = found.get("q") ?? "";
  for (const sort of SORTS) view[sort] = found.get(sort) ?? "";
  if (found.has("show")) {
    const wanted = new Set(found.getAll("show"));
    view.show = new Set(rows[board.contestant].filter((each) => wanted.has(strings[each])));
  }
  view.entry = found.get("entry") ?? "";
}

function writeFragment() {
  const first = start();
  const parts = [];
  for (const name of board.filters) {
    const value = view.filters[name];
    if (value !== first.filters[name]) parts.push([name, typeof value === "number" ? strings[value] : value]);
  }
  if (view.tier) parts.push(["tier", tiers[view.tier]]);
  if (view.search) parts.push(["q", view.search]);
  for (const sort of SORTS) if (view[sort]) parts.push([sort, view[sort]]);
  if (view.show)
    parts.push(...(view.show.size ? [...view.show].map((each) => ["show", strings[each]]) : [["show", ""]]));
  if (view.entry) parts.push(["entry", view.entry]);
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}

const grouped = (items, key) => Map.groupBy(items, key);
const known = (found) => found.filter((row) => rows[board.measure][row] !== null);
const oneMetric = (found) => new Set(found.map((row) => rows.metric[row])).size <= 1;
const lowerIsBetter = (found) =>
  board.units.includes(board.measure) && found.some((row) => packed.lower.includes(rows.metric[row]));

function mean(name, found) {
  const values = found.map((row) => rows[name][row]);
  if (!values.length || values.includes(null)) return null;
  if (board.units.includes(name) && !oneMetric(found)) return null;
  const { ratio } = columns[name];
  const total = values.reduce((sum, value) => sum + (ratio ? Math.log(value) : value), 0) / values.length;
  return ratio ? Math.exp(total) : total;
}

// The mean that an entry states of just these rows, whose interval comes from the replicates.
function stated(own) {
  const key = (row) => [rows[board.contestant][row], rows[levelColumn]?.[row], rows.entry[row]].join();
  const found = statedMeans.get(key(own[0]));
  return found?.wanted === own.length && own.every((row) => key(row) === key(own[0])) ? found.numbers : {};
}

// Contestants with their means over all cells of some rows; none for those that miss a cell which others have.
function summarise(found) {
  const wanted = new Set(known(found).map((row) => cellOf[row])).size;
  const names = [board.measure, "low", "high", ...board.averaged, ...(board.reference ? [board.reference] : [])];
  return [...grouped(found, (row) => rows[board.contestant][row])].map(([contestant, own]) => {
    const there = known(own);
    const cells = new Set(there.map((row) => cellOf[row])).size;
    const complete = cells === wanted;
    const means = names.map((name) => [name, complete ? mean(name, there) : null]);
    const tier = Math.min(...own.map(tierOf));
    return { contestant, cells, wanted, tier, ...Object.fromEntries(means), ...(complete ? stated(own) : {}) };
  });
}

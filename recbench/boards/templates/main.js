// The parts of the page put together: filters above, then the summary, the plots, all rows and the entries.

const BEST = 6; // contestants in the plots of a view in which none were chosen
const PRINTED = 1000; // rows of a table on paper at most

const shownColumns = Object.keys(columns).filter((name) => columns[name].kind !== "high");
const atEntry = shownColumns.indexOf("entry");
const tables = {
  by: new Table(byId("summary"), {
    caption: `Each ${columns[board.contestant].title}, with its means over the view`,
    columns: summaryColumns(),
    size: 25,
    order: `-${board.measure}`,
    onSort: (order) => {
      view.by = order;
      writeFragment();
    },
  }),
  sort: new Table(byId("rows"), {
    caption: "All numbers of the view",
    size: 50,
    order: `-${board.measure}`,
    columns: shownColumns.map(rowColumn).toSpliced(atEntry, 0, tierColumn(tierOf)),
    onSort: (order) => {
      view.sort = order;
      writeFragment();
    },
  }),
  entries: new Table(byId("entries"), {
    caption: "Entries of this board",
    columns: entryColumns(),
    size: 25,
    order: "-date",
  }),
};

function select(name, title, options, chosen, onChoice) {
  const choices = options.map(([value, shown]) => html("option", { value, selected: value === chosen }, shown));
  const id = `filter-${name}`;
  return html(
    "div",
    { class: "field" },
    html("label", { for: id }, title),
    html("select", { id, change: (event) => onChoice(options[event.target.selectedIndex][0]) }, ...choices),
  );
}

function drawFilters() {
  const selects = board.filters.map((name) => {
    const options = [[ALL, "all"], ...optionsOf(name).map((each) => [each, strings[each]])];
    const headline = headlines.get(view.filters.feedback);
    if (name === "metric")
      options.unshift([HEADLINE, headline === undefined ? "headline of each" : `headline: ${strings[headline]}`]);
    return select(name, columns[name].title, options, view.filters[name], (value) => {
      choose(name, value);
      changed(name);
    });
  });
  const kept = tiers.map((tier, at) => [at, ["any", `${tier} or better`, tier][Math.min(at, tiers.length - 1)]]);
  selects.push(
    select("tier", "tier", kept, view.tier, (value) => {
      view.tier = value;
      changed("tier");
    }),
  );
  byId("choices").replaceChildren(...selects);
}

// The filter that was used is made anew with the others, and stays in focus.
function changed(name) {
  drawFilters();
  byId(`filter-${name}`).focus();
  show();
}

// Columns of the rows that say nothing in this view: the filters say it, or all of them are empty.
function silent(found) {
  const fixed = board.filters.filter((name) => view.filters[name] !== ALL && (name !== "metric" || oneMetric(found)));
  return new Set(found.some((row) => text("note", row)) ? fixed : [...fixed, "note"]);
}

let drawPlots = () => {};

// Switches one contestant on or off in the plots; the others stay as they are.
function toggle(contestant, wanted) {
  view.show = new Set(wanted);
  if (!view.show.delete(contestant)) view.show.add(contestant);
  show();
  byId("legend").querySelector(`[data-contestant="${contestant}"]`)?.focus();
}

function show() {
  const found = matching();
  const summary = summarise(found);
  const lower = lowerIsBetter(found);
  const first = `${lower ? "" : "-"}${board.measure}`;
  const ranked = ordered(summary, (each) => each[board.measure], first);
  drawnRange = rangeOf(summary);
  tables.by.show(summary, view.by || first);
  tables.sort.show(found, view.sort || first, silent(found));
  tables.entries.show(
    entries.map((_, number) => number).filter((number) => entries[number].tier >= view.tier),
    "-date",
    new Set(entries.some((entry) => strings[entry.submitter]) ? [] : ["submitter"]),
  );
  const wanted = view.show ?? new Set(ranked.filter((each, at) => at < BEST).map((each) => each.contestant));
  if (board.plots.length) {
    drawLegend(ranked, wanted, (contestant) => toggle(contestant, wanted));
    drawPlots = () => board.plots.forEach((x) => drawPlot(byId(`plot-${x}`), found, x, wanted));
    drawPlots();
  }
  const missing = summary.filter((each) => each.cells < each.wanted).length;
  byId("count").textContent =
    `${found.length.toLocaleString("en")} of ${numRows.toLocaleString("en")} rows, ${summary.length.toLocaleString("en")} ${board.name}`;
  byId("gaps").hidden = !missing;
  byId("mixed").hidden = oneMetric(found);
  writeFragment();
}

function restore() {
  readFragment();
  byId("search").value = view.search;
  drawFilters();
  const { entry } = view;
  show();
  if (entry) openEntry(entry);
  else byId("entry").close();
}

function darken(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", String(dark));
}

byId("theme").setAttribute("aria-pressed", String(matchMedia("(prefers-color-scheme: dark)").matches));
byId("theme").addEventListener("click", (event) => darken(event.currentTarget.getAttribute("aria-pressed") !== "true"));
byId("search").addEventListener("input", (event) => {
  view.search = event.target.value;
  show();
});
byId("reset").addEventListener("click", () => {
  history.replaceState(null, "", "#");
  restore();
});
byId("best")?.addEventListener("click", () => {
  view.show = null;
  show();
});
byId("entry").addEventListener("close", () => {
  view.entry = "";
  writeFragment();
});
addEventListener("hashchange", restore);
addEventListener("beforeprint", () => Object.values(tables).forEach((table) => table.print(PRINTED)));
addEventListener("afterprint", show);

// Plots are drawn for one width: what changes only the height of the page is none of their business.
let drawnWidth = document.querySelector("main").clientWidth;
new ResizeObserver(([{ target }]) => {
  if (target.clientWidth === drawnWidth) return;
  drawnWidth = target.clientWidth;
  drawPlots();
}).observe(document.querySelector("main"));
restore();

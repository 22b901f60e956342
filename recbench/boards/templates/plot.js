// The measure against a budget, or against what it saves: contestants with intervals, and the reference behind them.

const SLOTS = 8; // colours, each with a shape of its own
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  "M-3.5-3.5h7v7h-7z",
  "M0-4.6L4.6 3.4H-4.6z",
  "M0-5L5 0L0 5L-5 0z",
  "M0 4.6L4.6-3.4H-4.6z",
  "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
  "M0-5L4.8-1.5L3 4.2H-3L-4.8-1.5z",
  "M-5-2h10v4h-10z",
];
const LEGEND = 24; // contestants that the legend offers at most
const MARGIN = { left: 46, right: 14, top: 14, bottom: 42 };
const HEIGHT = 330;
const COUNTED = {
  share: ", share of the train rows",
  rows: ", train rows",
  "user-share": ", share of the users",
  users: "",
};

const slots = new Map(); // a contestant keeps its colour while the page is open

function slotOf(contestant) {
  if (!slots.has(contestant)) {
    const used = Array.from({ length: SLOTS }, (_, slot) => [...slots.values()].filter((each) => each === slot).length);
    slots.set(contestant, used.indexOf(Math.min(...used)));
  }
  return slots.get(contestant);
}

const marker = (slot, x, y) =>
  svg("path", { class: `marker s${slot}`, d: SHAPES[slot], transform: `translate(${x} ${y})` });

// Points of each contestant, one a budget, in the order of the budgets; only where no cell is missing.
function curves(found, x, wanted) {
  const byLevel = [...grouped(found, (row) => rows[levelColumn][row])].map(([level, own]) => ({
    ...levels.get(level),
    level,
    own,
  }));
  const unit = byLevel[0]?.unit;
  const points = byLevel
    .filter((each) => each.unit === unit)
    .sort((a, b) => a.amount - b.amount)
    .flatMap(({ level, amount, own }) =>
      summarise(own).map((each) => ({
        ...each,
        level,
        x: x === levelColumn ? amount : each[x],
        y: each[board.measure],
      })),
    );
  const drawn = points.filter((each) => wanted.has(each.contestant) && each.x > 0 && each.y !== null);
  const reference = points
    .map((each) => each[board.reference])
    .filter((value) => value !== null && value !== undefined);
  return { unit, reference, series: [...grouped(drawn, (each) => each.contestant).values()] };
}

function niceTicks(low, high, about = 6) {
  const rough = (high - low) / about || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const ticks = [];
  for (let at = Math.floor(low / step); at <= Math.ceil(high / step); at++) ticks.push(at * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const each of [1, 2, 5]) ticks.push(each * 10 ** power);
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

// Labels that would run into the next one are left out; the last stands.
function apart(labelled, atX) {
  const kept = [];
  for (const each of labelled.toSorted(([a], [b]) => b - a)) {
    if (!kept.length || atX(kept.at(-1)[0]) - atX(each[0]) > 32) kept.push(each);
  }
  return kept;
}

function drawPlot(place, found, x, wanted) {
  const { unit, reference, series } = curves(found, x, wanted);
  const points = series.flat();
  const width = Math.max(280, place.clientWidth);
  if (!points.length)
    return void place.replaceChildren(
      html("p", { class: "empty" }, "Nothing to draw: no contestant that is switched on has all cells of this view."),
    );
  const ends = points.flatMap((each) => [each.y, each.low ?? each.y, each.high ?? each.y]).concat(reference);
  const { ticks, digits } = niceTicks(Math.min(...ends), Math.max(...ends));
  const [bottom, top] = [ticks[0], ticks.at(-1)];
  const xs = points.map((each) => each.x);
  const [first, last] = [Math.min(...xs) / 1.15, Math.max(...xs) * 1.15];
  const right = width - MARGIN.right;
  const base = HEIGHT - MARGIN.bottom;
  const atX = (value) => MARGIN.left + ((right - MARGIN.left) * Math.log(value / first)) / Math.log(last / first);
  const atY = (value) => base - ((base - MARGIN.top) * (value - bottom)) / (top - bottom);
  const xTicks =
    x === levelColumn
      ? [...new Map(points.map((each) => [each.x, strings[each.level]]))]
      : logTicks(first, last).map((tick) => [tick, `${Number(tick.toPrecision(2))}×`]);
  const title = `${columns[board.measure].title} against ${columns[x].title}`;
  const caption = html(
    "figcaption",
    {},
    `${title}, with intervals${reference.length ? `; dashed: ${columns[board.reference].title}` : ""}`,
  );
  place.replaceChildren(
    caption,
    svg(
      "svg",
      {
        role: "img",
        "aria-label": `${title}; the tables have the same numbers`,
        viewBox: `0 0 ${width} ${HEIGHT}`,
        width,
        height: HEIGHT,
      },
      svg(
        "g",
        { class: "axis" },
        ...ticks.flatMap((tick) => [
          svg("line", {
            x1: MARGIN.left,
            x2: right,
            y1: atY(tick),
            y2: atY(tick),
            class: Math.abs(tick) < 1e-9 ? "zero" : null,
          }),
          svg("text", { x: MARGIN.left - 8, y: atY(tick) + 4, "text-anchor": "end" }, format(tick, digits)),
        ]),
        ...apart(xTicks, atX).map(([tick, label]) =>
          svg("text", { x: atX(tick), y: base + 18, "text-anchor": "middle" }, label),
        ),
        svg(
          "text",
          { x: (MARGIN.left + right) / 2, y: HEIGHT - 6, "text-anchor": "middle" },
          `${columns[x].title}${x === levelColumn ? COUNTED[unit] : ""} (log scale)`,
        ),
      ),
      ...drawnReference(reference, { left: MARGIN.left, right, atY, atLeft: x === levelColumn }),
      ...series.map((own, at) =>
        drawnSeries(own, { atX, atY, shift: (at - (series.length - 1) / 2) * Math.min(4, width / 150), x }),
      ),
    ),
  );
}

// Its name stands where the measure is usually low: at small budgets, at large speed-ups.
function drawnReference(values, { left, right, atY, atLeft }) {
  if (!values.length) return [];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [
    svg(
      "g",
      { class: "reference" },
      svg("rect", { x: left, width: right - left, y: atY(high), height: Math.max(0, atY(low) - atY(high)) }),
      ...[...new Set([low, high])].map((value) => svg("line", { x1: left, x2: right, y1: atY(value), y2: atY(value) })),
      svg(
        "text",
        { x: atLeft ? left + 4 : right - 4, y: atY(high) - 5, "text-anchor": atLeft ? "start" : "end" },
        columns[board.reference].title,
      ),
    ),
  ];
}

function drawnSeries(points, { atX, atY, shift, x }) {
  const slot = slotOf(points[0].contestant);
  const { digits } = columns[board.measure];
  const places = points.map((each) => [atX(each.x) + (x === levelColumn ? shift : 0), atY(each.y), each]);
  return svg(
    "g",
    { class: `series s${slot}` },
    svg("polyline", { points: places.map(([px, py]) => `${px},${py}`).join(" ") }),
    ...places.map(([px, py, each]) =>
      svg(
        "g",
        {},
        svg(
          "title",
          {},
          `${strings[each.contestant]} at ${strings[each.level]}: ${format(each.y, digits)} (${span(each.low, each.high, digits)})`,
        ),
        each.low === null || each.high === null
          ? ""
          : svg("line", { x1: px, x2: px, y1: atY(each.low), y2: atY(each.high) }),
        marker(slot, px, py),
      ),
    ),
  );
}

function drawLegend(ranked, wanted, onToggle) {
  const offered = ranked.filter((each, at) => at < LEGEND || wanted.has(each.contestant));
  const buttons = offered.map(({ contestant }) => {
    const swatch = svg(
      "svg",
      { width: 16, height: 12, viewBox: "-8 -6 16 12", "aria-hidden": true },
      wanted.has(contestant) ? marker(slotOf(contestant), 0, 0) : svg("circle", { class: "off", r: 3.5 }),
    );
    return html(
      "li",
      {},
      html(
        "button",
        {
          type: "button",
          "aria-pressed": String(wanted.has(contestant)),
          "data-contestant": contestant,
          click: () => onToggle(contestant),
        },
        swatch,
        label(strings[contestant]),
      ),
    );
  });
  byId("legend").replaceChildren(...buttons);
  const left = ranked.length - offered.length;
  byId("legend-note").textContent = left > 0 ? `${left.toLocaleString("en")} more: search for them above.` : "";
}

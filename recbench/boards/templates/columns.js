// What each table shows of its items, which are: numbers of rows, contestants with their means, numbers of entries.

const measure = columns[board.measure];

function rowColumn(name) {
  const { title, kind, digits } = columns[name];
  const numeric = isNumeric(name);
  const column = { key: name, title, numeric, kind, value: (row) => (numeric ? rows[name][row] : text(name, row)) };
  switch (kind) {
    case "low":
      return { ...column, cell: (row) => span(rows[name][row], rows[name.replace("low", "high")][row], digits) };
    case "number":
      return { ...column, cell: (row) => format(rows[name][row], digits) };
    case "level":
      return {
        ...column,
        numeric: true,
        value: (row) => levels.get(rows[name][row]).amount,
        cell: (row) => text(name, row),
      };
    case "entry":
      return { ...column, cell: (row) => entryButton(rows.entry[row]) };
    case "note":
      return { ...column, value: null, cell: (row) => plain(text(name, row), "whole") };
    case "label":
      return { ...column, cell: (row) => label(text(name, row)) };
    default:
      return { ...column, cell: (row) => plain(text(name, row)) };
  }
}

const tierColumn = (tier) => ({
  key: "tier",
  title: "tier",
  numeric: false,
  value: (item) => tier(item),
  cell: (item) => tierMark(tier(item)),
});

let drawnRange = () => ""; // of the present view

function rangeOf(summary) {
  const ends = summary
    .flatMap((each) => [each.low, each.high, each[board.measure], each[board.reference]])
    .filter(Number.isFinite);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const at = (value) => 4 + (132 * (value - low)) / (high - low || 1);
  const tick = (value, kind) =>
    value >= low && value <= high ? svg("line", { class: kind, x1: at(value), x2: at(value), y1: 0, y2: 18 }) : "";
  return (each) => {
    if (each[board.measure] === null) return "";
    const whisker = Number.isFinite(each.low) ? svg("line", { x1: at(each.low), x2: at(each.high), y1: 9, y2: 9 }) : "";
    return svg(
      "svg",
      { class: "range", width: 140, height: 18, "aria-hidden": true },
      tick(0, "zero"),
      tick(each[board.reference], "ceiling"),
      whisker,
      svg("circle", { cx: at(each[board.measure]), cy: 9, r: 3.5 }),
    );
  };
}

function summaryColumns() {
  const number = (name) => ({
    key: name,
    title: columns[name].title,
    numeric: true,
    value: (each) => each[name],
    cell: (each) => format(each[name], columns[name].digits),
  });
  return [
    {
      key: board.contestant,
      title: columns[board.contestant].title,
      value: (each) => strings[each.contestant],
      cell: (each) => label(strings[each.contestant]),
    },
    { ...number(board.measure), title: `mean ${measure.title}` },
    {
      key: "low",
      title: columns.low.title,
      numeric: true,
      value: (each) => each.low,
      cell: (each) => span(each.low, each.high, measure.digits),
    },
    {
      key: "range",
      title: board.reference ? `drawn; dotted: ${columns[board.reference].title}` : "drawn",
      value: null,
      kind: "drawn",
      cell: (each) => drawnRange(each),
    },
    ...board.averaged.map(number),
    {
      key: "cells",
      title: "rows",
      numeric: true,
      value: (each) => each.cells,
      cell: (each) => `${each.cells} of ${each.wanted}`,
    },
    tierColumn((each) => each.tier),
  ];
}

function entryColumns() {
  const word = (key, title) => ({
    key,
    title,
    value: (number) => strings[entries[number][key]],
    cell: (number) => plain(strings[entries[number][key]]),
  });
  return [
    { key: "name", title: "entry", value: (number) => strings[entries[number].name], cell: entryButton },
    word("date", "results of"),
    tierColumn((number) => entries[number].tier),
    word("submitter", "submitter"),
    word("recbench", "recbench"),
    {
      key: "runs",
      title: "runs",
      numeric: true,
      value: (number) => entries[number].runs,
      cell: (number) => entries[number].runs.toLocaleString("en"),
    },
    {
      key: "hours",
      title: "hours",
      numeric: true,
      value: (number) => entries[number].hours,
      cell: (number) => format(entries[number].hours, 2),
    },
    word("devices", "computed on"),
  ];
}

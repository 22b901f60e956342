// A table that is sorted by the buttons in its header and shown a page at a time.

const COLLATOR = new Intl.Collator("en", { numeric: true });

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "string" ? COLLATOR.compare(a, b) : a - b;
}

// Items by "key" or "-key", the latter from high to low; missing values stand last in both directions.
function ordered(items, value, order) {
  const sign = order.startsWith("-") ? -1 : 1;
  const keyed = items.map((item) => [value(item), item]);
  keyed.sort(([a], [b]) => (a === null || b === null ? compare(a, b) : sign * compare(a, b)));
  return keyed.map(([, item]) => item);
}

class Table {
  // Columns are {key, title, value, cell, numeric}: what an item is sorted by, and what is shown of it. Without a value
  // there is no sorting; the first column names the row.
  constructor(place, { caption, columns: shown, size, order, onSort = () => {} }) {
    Object.assign(this, { shown, size, order, onSort, items: [], page: 0, hidden: new Set() });
    this.headers = new Map(shown.map((column) => [column.key, this.#header(column)]));
    this.body = html("tbody");
    this.status = html("span", { class: "quiet" });
    this.back = html("button", { type: "button", click: () => this.#turn(-1) }, "Previous");
    this.next = html("button", { type: "button", click: () => this.#turn(1) }, "Next");
    this.pager = html("div", { class: "pager" }, this.back, this.status, this.next);
    const table = html(
      "table",
      {},
      html("caption", { class: "unseen" }, caption),
      html("thead", {}, html("tr", {}, ...this.headers.values())),
      this.body,
    );
    place.replaceChildren(
      html("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": caption }, table),
      this.pager,
    );
  }

  #header({ key, title, value, cell, numeric }) {
    const label = value ? html("button", { type: "button", click: () => this.#sortBy(key, numeric) }, title) : title;
    return html("th", { scope: "col", class: numeric ? "number" : null }, label);
  }

  #sortBy(key, numeric) {
    const [first, second] = numeric ? [`-${key}`, key] : [key, `-${key}`];
    this.order = this.order === first ? second : first;
    this.page = 0;
    this.#draw();
    this.onSort(this.order);
  }

  #turn(by) {
    this.page += by;
    this.#draw();
  }

  // An order that the table does not know changes nothing; hidden are the keys of columns that say nothing here.
  show(items, order, hidden = new Set()) {
    Object.assign(this, { items, hidden, page: 0 });
    if (this.shown.some((column) => column.value && column.key === order.replace(/^-/, ""))) this.order = order;
    this.#draw();
  }

  // All of it, up to what can be read on paper; undone by the next show.
  print(limit) {
    this.#draw(limit);
  }

  #sorted() {
    const key = this.order.replace(/^-/, "");
    return ordered(this.items, this.shown.find((column) => column.key === key).value, this.order);
  }

  #draw(size = this.size) {
    const from = this.page * this.size;
    const items = this.#sorted().slice(from, from + size);
    this.body.replaceChildren(...items.map((item) => this.#row(item)));
    for (const [key, header] of this.headers) {
      const direction = { [key]: "ascending", [`-${key}`]: "descending" }[this.order];
      if (direction) header.setAttribute("aria-sort", direction);
      else header.removeAttribute("aria-sort");
      header.hidden = this.hidden.has(key);
    }
    const total = this.items.length;
    this.status.textContent = total ? `${from + 1} to ${from + items.length} of ${total.toLocaleString("en")}` : "none";
    this.pager.hidden = total <= this.size;
    this.back.disabled = this.page === 0;
    this.next.disabled = from + items.length >= total;
  }

  #row(item) {
    const visible = this.shown.filter(({ key }) => !this.hidden.has(key));
    return html(
      "tr",
      {},
      ...visible.map(({ cell, numeric, kind }, at) =>
        at
          ? html("td", { class: numeric ? "number" : (kind ?? null) }, cell(item))
          : html("th", { scope: "row" }, cell(item)),
      ),
    );
  }
}

// The page of one entry: who, when, on what, and the commands that make its numbers again.

const entryNumbers = new Map(entries.map((entry, number) => [strings[entry.name], number]));

const tierMark = (tier) => html("span", { class: `tier t${tier}` }, tiers[tier]);

function entryButton(number) {
  const name = strings[entries[number].name];
  return html(
    "button",
    { type: "button", class: "plain", "aria-haspopup": "dialog", title: name, click: () => openEntry(name) },
    name.replace(/\.json$/, ""),
  );
}

// Only what is an https address becomes a link; whatever else an entry calls one is shown as text.
function outwards(address) {
  const found = URL.canParse(address) ? new URL(address) : null;
  if (found?.protocol !== "https:") return html("bdi", {}, address);
  return html("a", { href: found.href, rel: "noopener noreferrer nofollow" }, html("bdi", {}, address));
}

async function copy(command, said) {
  try {
    await navigator.clipboard.writeText(command.textContent);
    said.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(command);
    said.textContent = "selected: copy it with the keyboard";
  }
}

function commandLine(command) {
  const line = html("code", {}, command);
  const said = html("span", { role: "status", class: "quiet" });
  return html(
    "div",
    { class: "command" },
    html("pre", { tabindex: 0, role: "group", "aria-label": "command" }, line),
    html("button", { type: "button", click: () => copy(line, said) }, "Copy"),
    said,
  );
}

function factsOf(entry) {
  const facts = [
    ["results of", strings[entry.date]],
    ["tier", tierMark(entry.tier)],
  ];
  if (strings[entry.submitter]) facts.push(["submitter", html("bdi", {}, strings[entry.submitter])]);
  if (strings[entry.link]) facts.push(["link", outwards(strings[entry.link])]);
  facts.push(
    ["recbench", strings[entry.recbench]],
    ["cost", `${entry.runs.toLocaleString("en")} runs, ${format(entry.hours, 2)} hours on ${strings[entry.devices]}`],
  );
  for (let i = 0; i < entry.facts.length; i += 2)
    facts.push([strings[entry.facts[i]], html("bdi", {}, strings[entry.facts[i + 1]])]);
  return facts;
}

function openEntry(name) {
  const entry = entries[entryNumbers.get(name)];
  const dialog = byId("entry");
  if (!entry) return;
  dialog.querySelector("h2").textContent = name;
  dialog
    .querySelector(".content")
    .replaceChildren(
      html("dl", {}, ...factsOf(entry).flatMap(([term, fact]) => [html("dt", {}, term), html("dd", {}, fact)])),
      html("h3", {}, "These numbers again"),
      ...entry.commands.map((command) => commandLine(strings[command])),
      html(
        "p",
        {},
        html("a", { href: `entries/${encodeURIComponent(name)}` }, "The entry's file"),
        ", with all its digits and digests.",
      ),
    );
  if (!dialog.open) dialog.showModal();
  view.entry = name;
  writeFragment();
}

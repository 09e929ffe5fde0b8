"use strict";
// The filters. Each change is written to the address, and the views are drawn from the address.

function filters(address) {
  const shown = tally(DATA.cells, address.level);
  return el(
    "form",
    {
      class: "filters",
      role: "search",
      "aria-label": "Filter the matrix",
      onsubmit: (e) => e.preventDefault(),
    },
    el(
      "fieldset",
      { class: "statuses" },
      el("legend", null, "Status"),
      WEIGHTS.filter((weight) => kindsOf(weight, shown) > 1).map((weight) =>
        statusButton(address, weight, `all ${WEIGHT_WORDS[weight]}`, shown[weight], weight),
      ),
      [...shown.of.keys()]
        .sort((a, b) => statusOf(a).rank - statusOf(b).rank)
        .map((word) =>
          statusButton(
            address,
            word,
            `${statusOf(word).glyph} ${word}`,
            shown.of.get(word),
            statusOf(word).weight,
          ),
        ),
    ),
    chooser("level", "Counts as failing", address, [
      ["must", "must: any robust pool"],
      ["should", "should, too"],
      ["informs", "everything that differs"],
    ]),
    chooser("group", "Group", address, [
      ["", "all groups"],
      ...groups().map((name) => [name, name]),
    ]),
    poolChooser(address),
    el(
      "label",
      { class: "field grow" },
      el("span", null, "Text"),
      el("input", {
        type: "search",
        name: "text",
        value: address.text,
        placeholder: "scenario, claim, pool, reason",
        oninput: (e) => replaceAddress({ ...readAddress(), text: e.target.value }),
      }),
    ),
  );
}

// A weight needs its own button if it has more than one status.
function kindsOf(weight, shown) {
  return [...shown.of.keys()].filter((word) => statusOf(word).weight === weight).length;
}

function statusButton(address, word, label, number, weight) {
  const pressed = address.status.includes(word);
  return el(
    "button",
    {
      type: "button",
      class: `chip ${weight}`,
      id: `status-${word}`,
      "aria-pressed": String(pressed),
      title: STATUS.has(word) ? statusOf(word).meaning : null,
      onclick: () => {
        const now = readAddress();
        const others = now.status.filter((other) => other !== word);
        replaceAddress({ ...now, status: pressed ? others : [...others, word] });
      },
    },
    `${label} `,
    el("b", null, String(number)),
  );
}

function chooser(name, label, address, choices) {
  return el(
    "label",
    { class: "field" },
    el("span", null, label),
    el(
      "select",
      { name, onchange: (e) => replaceAddress({ ...readAddress(), [name]: e.target.value }) },
      choices.map(([value, words]) =>
        el("option", { value, selected: address[name] === value }, words),
      ),
    ),
  );
}

function poolChooser(address) {
  const chosen = address.pool.length;
  return el(
    "details",
    { class: "field pools", id: "pools" },
    el(
      "summary",
      null,
      el("span", null, "Pools"),
      el(
        "b",
        null,
        chosen === 0 ? `all ${DATA.pools.length}` : `${chosen} of ${DATA.pools.length}`,
      ),
    ),
    el(
      "div",
      { class: "pool-list" },
      DATA.pools.map((pool) =>
        el(
          "label",
          null,
          el("input", {
            type: "checkbox",
            name: "pool",
            value: pool.label,
            id: `pool-${pool.label}`,
            checked: address.pool.includes(pool.label),
            onchange: (e) => {
              const now = readAddress();
              const others = now.pool.filter((label) => label !== pool.label);
              replaceAddress({ ...now, pool: e.target.checked ? [...others, pool.label] : others });
            },
          }),
          ` ${pool.label} `,
          versionOf(pool),
        ),
      ),
    ),
  );
}

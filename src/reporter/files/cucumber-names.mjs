// How the formatter and the plugin of cucumber-js name scenarios.

// Titles and lines of the scenarios of a document, and of the rows of its outlines, by the ids of their nodes.
export function placesOf({ uri, feature }) {
  const places = new Map();
  const scenarios = (children, path) => {
    for (const child of children) {
      if (child.rule) scenarios(child.rule.children, [...path, child.rule.name]);
      if (child.scenario) add(child.scenario, path);
    }
  };
  const add = (scenario, path) => {
    places.set(scenario.id, { uri, path, values: [], line: scenario.location.line });
    const rows = scenario.examples.flatMap((examples) => examples.tableBody.map((row) => ({ row, header: examples.tableHeader })));
    const names = rows.map(({ row, header }) => filled(scenario.name, header, row));
    rows.forEach(({ row, header }, at) => {
      // By values, not by numbers: a row keeps its name when others are added before it.
      const isUnique = names.indexOf(names[at]) === names.lastIndexOf(names[at]);
      const values = isUnique ? [] : [header.cells.map((cell, column) => `${cell.value}=${oneLine(row.cells[column]?.value)}`).join(', ')];
      places.set(row.id, { uri, path, values, line: row.location.line });
    });
  };
  if (feature) scenarios(feature.children, [feature.name]);
  return places;
}

export function titlesOf(place, pickle) {
  return [...(place?.path ?? []), pickle?.name ?? '', ...(place?.values ?? [])];
}

function filled(title, header, row) {
  return header.cells.reduce((text, cell, column) => text.replaceAll(`<${cell.value}>`, () => row.cells[column]?.value ?? ''), title);
}

function oneLine(value) {
  return String(value ?? '').replaceAll('\n', '\\n');
}

//<![CDATA[
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const target = (row) => row.querySelector('a').getAttribute('href').slice(1);
  // A row is found by what its card says, too.
  const said = (element) => {
    const card = element.matches('tr') ? $(target(element)) : element;
    return card === element ? element.textContent : element.textContent + (card?.textContent ?? '');
  };
  const items = all('[data-s]').map((element) => ({
    element,
    row: element.matches('tr'),
    states: element.dataset.s.split(' '),
    text: said(element).toLowerCase(),
  }));
  const rows = items.filter((item) => item.row);
  const counters = all('[data-show]');
  const bars = all('.timeline a');
  const find = $('find');

  // The address holds the filters, so that a link shows the same: #show=failed&q=login
  const wanted = () => {
    const hash = location.hash.slice(1);
    const state = new URLSearchParams(hash.includes('=') ? hash : '');
    return { show: state.get('show') || 'all', q: state.get('q') || '' };
  };
  const address = ({ show, q }) => {
    const state = new URLSearchParams();
    if (show !== 'all') state.set('show', show);
    if (q) state.set('q', q);
    return state.size ? '#' + state : location.pathname + location.search;
  };

  const apply = () => {
    const { show, q } = wanted();
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const fits = (show === 'all' || item.states.includes(show))
        && words.every((word) => item.text.includes(word));
      item.element.hidden = !fits;
      if (fits && item.row) shown += 1;
    }
    for (const section of all('section.group')) {
      const cards = [...section.querySelectorAll('.card')];
      section.hidden = show + q !== 'all' && cards.every((card) => card.hidden);
    }
    const filtered = show !== 'all' || q !== '';
    for (const counter of counters) {
      if (counter.dataset.show === show) counter.setAttribute('aria-current', 'true');
      else counter.removeAttribute('aria-current');
    }
    const visible = new Set();
    if (filtered) for (const row of rows) {
      if (!row.element.hidden) visible.add('#' + target(row.element));
    }
    for (const bar of bars) {
      bar.classList.toggle('dim', filtered && !visible.has(bar.getAttribute('href')));
    }
    if (document.activeElement !== find) find.value = q;
    $('said').textContent = filtered ? `${shown} of ${rows.length} listed` : '';
  };

  for (const counter of counters) counter.addEventListener('click', (event) => {
    event.preventDefault();
    const { show, q } = wanted();
    const next = counter.dataset.show;
    history.pushState(null, '', address({ show: next === show ? 'all' : next, q }));
    apply();
  });
  find.addEventListener('input', () => {
    history.replaceState(null, '', address({ show: wanted().show, q: find.value.trim() }));
    apply();
  });
  addEventListener('popstate', apply);
  addEventListener('hashchange', () => {
    apply();
    const hash = location.hash.slice(1);
    if (hash && !hash.includes('=')) $(hash)?.scrollIntoView();
  });

  // A click on a heading sorts; numbers by their value, not by how they are written.
  const table = $('executions');
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.textContent.trim();
    return text === '' ? null : cell.classList.contains('n') ? Number(cell.dataset.v ?? text) : text;
  };
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === 'number' ? a - b : a.localeCompare(b, 'en', { numeric: true });
  };
  if (table) for (const [column, heading] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const down = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const keyed = rows.map((row) => [value(row.element, column), row.element]);
      // Empty cells stay at the end in both directions.
      keyed.sort(([a], [b]) => (a === null || b === null || !down ? compare(a, b) : compare(b, a)));
      // Taken out in order first: browsers take rows out of the middle in quadratic time.
      const [body] = table.tBodies;
      body.remove();
      body.replaceChildren();
      body.append(...keyed.map(([, row]) => row));
      table.append(body);
    });
  }

  const folded = () => all('details:not([open])');
  let opened = [];
  addEventListener('beforeprint', () => { opened = folded(); for (const it of opened) it.open = true; });
  addEventListener('afterprint', () => { for (const it of opened) it.open = false; });

  $('tools').hidden = false;
  apply();
})();
//]]>

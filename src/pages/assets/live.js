'use strict';
// Keeps a page up to date. Without it the page is complete and shows the moment of its loading.
(() => {
  const body = document.body;
  const $ = (id) => document.getElementById(id);
  const now = Number(body.dataset.now);
  if (!now) return;
  const loaded = performance.now();
  const serviceNow = () => now + (performance.now() - loaded);

  // As the service writes it: 0.4s, 3s, 1m 05s, 2h 03m; whole seconds, because it moves.
  const two = (n) => String(n).padStart(2, '0');
  const span = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return `${s}s`;
    if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
    return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
  };
  const tick = () => {
    const at = serviceNow();
    for (const it of document.querySelectorAll('span[data-since]')) it.textContent = span(at - it.dataset.since);
    for (const it of document.querySelectorAll('progress[data-since]')) it.value = Math.min(it.max, at - it.dataset.since);
  };
  // Times are read in the zone of the reader; the title has UTC.
  const localTimes = (root) => {
    for (const it of root.querySelectorAll('time:not([title])')) {
      const at = new Date(it.dateTime);
      const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      const minute = `${two(at.getHours())}:${two(at.getMinutes())}`;
      it.title = it.textContent;
      it.textContent = it.closest('.clock') ? minute : `${day} ${minute}:${two(at.getSeconds())}`;
    }
  };

  // Replaces what is in an element. The focus stays on the same link or scrolling part, and what was scrolled stays so.
  const nameOf = (it) => it.getAttribute('href') ?? it.getAttribute('aria-label');
  const filled = new WeakMap();
  const fill = (element, html) => {
    filled.set(element, html);
    const active = document.activeElement;
    const name = active !== element && element.contains(active) ? nameOf(active) : null;
    const scrolled = [...element.querySelectorAll('.wide')].map((it) => [nameOf(it), it.scrollLeft]);
    element.innerHTML = html;
    localTimes(element);
    for (const [label, left] of scrolled.filter((it) => it[1] > 0)) {
      const same = [...element.querySelectorAll('.wide')].find((it) => nameOf(it) === label);
      if (same) same.scrollLeft = left;
    }
    if (name !== null) {
      const same = [...element.querySelectorAll('a, [tabindex]')].find((it) => nameOf(it) === name);
      same?.focus({ preventScroll: true });
    }
  };
  // The service renders the counts without a filter: the address has it.
  const mark = () => {
    const shown = new URLSearchParams(location.search).get('state') || 'all';
    for (const link of document.querySelectorAll('#counts a')) {
      const state = new URL(link.href).searchParams.get('state');
      if (state === shown) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
  };
  // Screen readers hear the counts now and then, not with every test.
  let told = 0;
  let later = 0;
  const tell = (html) => {
    clearTimeout(later);
    const pause = told + 10000 - performance.now();
    if (pause > 0) {
      later = setTimeout(tell, pause, html);
      return;
    }
    told = performance.now();
    const status = $('status');
    if (status && status.innerHTML !== html) status.innerHTML = html;
  };
  const place = (id, html) => {
    if (id === 'status') return tell(html);
    const element = $(id);
    if (!element || (filled.get(element) ?? element.innerHTML) === html) return;
    fill(element, html);
    if (id === 'counts') mark();
    if (id === 'progress') document.title = element.firstElementChild?.dataset.title || document.title;
  };
  const patch = ({ parts = {}, rows = {}, reload = false }) => {
    for (const [id, html] of Object.entries(parts)) place(id, html);
    for (const [id, html] of Object.entries(rows)) {
      const row = $(id);
      if (row) fill(row, html);
    }
    tick();
    if (reload) refresh();
    // A list with a filter gains and loses rows.
    else if (Object.keys(rows).length && new URLSearchParams(location.search).get('state')) soon();
  };

  // Loads the page again and takes its parts over.
  let loading = false;
  const refresh = async () => {
    if (loading) return true;
    loading = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: 'text/html' } });
      // A session that ended leads to the login.
      if (answer.redirected) location.reload();
      if (!answer.ok) return false;
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const it of fresh.querySelectorAll('.part[id], #counts, #status')) place(it.id, it.innerHTML);
      const [list, of] = [fresh.querySelector('#tests'), $('tests')];
      if (list && of) fill(of, list.innerHTML);
      tick();
      return true;
    } catch {
      return false;
    } finally {
      loading = false;
    }
  };

  let planned = 0;
  const soon = () => {
    planned ||= setTimeout(() => {
      planned = 0;
      refresh();
    }, 5000);
  };

  const say = (text) => {
    const line = $('live');
    if (!line) return;
    line.textContent = text;
    line.hidden = text === '';
  };
  let stream = null;
  let polling = 0;
  const poll = async () => {
    if (!document.hidden) say(await refresh() ? 'updates every 5 s' : 'the service does not answer');
  };
  const pollOn = () => {
    polling ||= setInterval(poll, 5000);
  };
  const pollOff = () => {
    clearInterval(polling);
    polling = 0;
  };
  let last = body.dataset.event;
  const open = () => {
    if (stream || !body.dataset.live) return;
    stream = new EventSource(`${body.dataset.live}?after=${last}`);
    stream.addEventListener('open', () => {
      pollOff();
      say('live');
    });
    stream.addEventListener('patch', (event) => {
      last = event.lastEventId || last;
      patch(JSON.parse(event.data));
    });
    stream.addEventListener('error', () => {
      say('connecting again');
      // The browser tries again by itself, unless the service refuses.
      if (stream?.readyState === EventSource.CLOSED) close();
      pollOn();
    });
  };
  const close = () => {
    stream?.close();
    stream = null;
  };

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      close();
      pollOff();
    } else {
      open();
      if (!stream) pollOn();
    }
  });
  localTimes(document);
  tick();
  setInterval(tick, 1000);
  if (!document.hidden) open();
  // Lists without a stream of their own.
  if (!body.dataset.live && document.querySelector('#plans, #squish-servers')) pollOn();
})();

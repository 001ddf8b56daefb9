// The job board: lists, filters and shows published postings.
// The address holds all state: ?q=&seniority=&remote=&skill=&salary=&currency=&sort=&page= and posting= for one posting.

const PAGE_SIZE = 20;
const API = '/rest/v1/';
const FILTERS = ['q', 'seniority', 'remote', 'skill', 'salary', 'currency'];

const SENIORITY = { junior: 'Junior', mid: 'Mid-level', senior: 'Senior', staff: 'Staff', principal: 'Principal' };
const REMOTE = { remote: 'Remote', hybrid: 'Hybrid', on_site: 'On site' };
const CATEGORY = {
  language: 'Languages', database: 'Databases', messaging: 'Messaging', platform: 'Platforms', interface: 'Interfaces', practice: 'Practices',
};
const ORDER = {
  '': 'published_at.desc,id.desc',
  salary: 'salary_mid.desc,id.desc',
  title: 'title.asc,id.asc',
};

const byId = (id) => document.getElementById(id);
const form = byId('filters');
const listView = byId('list-view');
const detailView = byId('detail-view');
const status = byId('status');
const list = byId('postings');
const pages = byId('pages');

// ---------------------------------------------------------------- small tools

/** An element with attributes and children; text is never read as markup. */
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, '');
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function money(amount, currency) {
  return new Intl.NumberFormat('en', { style: 'currency', currency, maximumFractionDigits: 0 }).format(Number(amount));
}

function salaryRange(posting) {
  return `${money(posting.salary_min, posting.currency)} – ${money(posting.salary_max, posting.currency)}`;
}

function date(text) {
  const shown = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(text));
  return element('time', { datetime: text }, shown);
}

function country(code) {
  return new Intl.DisplayNames('en', { type: 'region' }).of(code) ?? code;
}

const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

// ---------------------------------------------------------------- the API

let anonKey; // a promise: views that start together ask once

async function fetchKey() {
  const response = await fetch('/.well-known/plinth.json');
  if (!response.ok) throw new Error('The server did not say how to reach its API.');
  return (await response.json()).anon_key;
}

function key() {
  anonKey ??= fetchKey().catch((error) => {
    anonKey = undefined;
    throw error;
  });
  return anonKey;
}

/** Reads a table or view. Returns the rows, and the total number where it was asked for. */
async function read(resource, parameters, { count = false, single = false, signal } = {}) {
  const headers = { apikey: await key() };
  if (count) headers.Prefer = 'count=exact';
  if (single) headers.Accept = 'application/vnd.pgrst.object+json';
  const response = await fetch(`${API}${resource}?${parameters}`, { headers, signal });
  if (response.status === 416) return { rows: [], total: totalOf(response), beyondEnd: true };
  if (!response.ok) {
    const refusal = await response.json().catch(() => ({}));
    const error = new Error(refusal.message ?? `The server answered with status ${response.status}.`);
    error.code = refusal.code;
    throw error;
  }
  return { rows: await response.json(), total: totalOf(response) };
}

function totalOf(response) {
  const total = (response.headers.get('Content-Range') ?? '').split('/')[1];
  return total && total !== '*' ? Number(total) : null;
}

/** A value inside or=(...), quoted, with the characters that mean something in a pattern taken out. */
function pattern(word) {
  return `"*${word.replace(/[*%\\]/g, '').replace(/"/g, '\\"')}*"`;
}

function listParameters(state) {
  const query = new URLSearchParams();
  let select = 'id,title,seniority,remote,city,country,salary_min,salary_max,currency,published_at,'
    + 'company(name),posting_skill(required,skill(name))';
  if (state.get('skill')) select += ',skill!inner(slug)';
  query.append('select', select);
  query.append('state', 'eq.published');
  for (const word of (state.get('q') ?? '').split(/\s+/).filter((word) => /[^*%\\]/.test(word))) {
    const columns = ['title', 'summary', 'duties', 'requirements'];
    query.append('or', `(${columns.map((column) => `${column}.ilike.${pattern(word)}`).join(',')})`);
  }
  for (const column of ['seniority', 'remote', 'currency']) {
    if (state.get(column)) query.append(column, `eq.${state.get(column)}`);
  }
  if (Number(state.get('salary')) > 0) query.append('salary_max', `gte.${Number(state.get('salary'))}`);
  if (state.get('skill')) query.append('skill.slug', `eq.${state.get('skill')}`);
  query.append('order', ORDER[state.get('sort') ?? ''] ?? ORDER['']);
  query.append('posting_skill.order', 'required.desc,skill_id.asc');
  query.append('limit', PAGE_SIZE);
  query.append('offset', (pageOf(state) - 1) * PAGE_SIZE);
  return query;
}

// ---------------------------------------------------------------- the address

const currentState = () => new URLSearchParams(location.search);
const pageOf = (state) => Math.max(1, Math.trunc(Number(state.get('page'))) || 1);

/** The address for this state with some keys changed; null removes a key. */
function address(state, changes) {
  const next = new URLSearchParams(state);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  return next.size > 0 ? `?${next}` : './';
}

function go(href, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', new URL(href, location.href));
  render({ moved: true });
}

// ---------------------------------------------------------------- the list

let running = null; // stops the request of a view that has been left
let cameFrom = null; // the posting whose details were open, to return the focus to it

async function showList(state, { moved }) {
  detailView.hidden = true;
  listView.hidden = false;
  document.title = state.get('q') ? `${state.get('q')} – Back-end jobs` : 'Back-end jobs';
  fillForm(state);

  const { signal } = (running = new AbortController());
  const placeholders = setTimeout(() => {
    status.textContent = 'Loading positions…';
    list.setAttribute('aria-busy', 'true');
    list.replaceChildren(...Array.from({ length: 6 }, () => element('li', { class: 'card placeholder', 'aria-hidden': 'true' })));
    pages.hidden = true;
  }, 150);
  try {
    const { rows, total, beyondEnd } = await read('posting', listParameters(state), { count: true, signal });
    if (beyondEnd && pageOf(state) > 1) {
      go(address(state, { page: null }), { replace: true });
      return;
    }
    showRows(state, rows, total);
    if (cameFrom !== null) {
      list.querySelector(`[data-posting="${cameFrom}"]`)?.focus();
      cameFrom = null;
    } else if (moved === 'page') {
      byId('main').focus();
    }
  } catch (error) {
    if (error.name !== 'AbortError') {
      showError(error, list, 'li', element('p', {}, element('strong', {}, 'The positions could not be loaded.')));
    }
  } finally {
    clearTimeout(placeholders);
    if (!signal.aborted) list.removeAttribute('aria-busy');
  }
}

function showRows(state, rows, total) {
  const first = (pageOf(state) - 1) * PAGE_SIZE + 1;
  if (rows.length === 0) {
    status.textContent = 'No position fits.';
    list.replaceChildren(element('li', { class: 'message' },
      element('p', {}, 'No open position fits this search. Fewer words or filters may help.'),
      element('p', {}, element('a', { href: './', 'data-route': true }, 'Show all positions'))));
  } else {
    const all = total ?? rows.length;
    status.textContent = all > rows.length
      ? `${first} to ${first + rows.length - 1} of ${all} positions`
      : `${all} ${all === 1 ? 'position' : 'positions'}`;
    list.replaceChildren(...rows.map((posting) => card(state, posting)));
  }
  showPages(state, total ?? rows.length);
}

function card(state, posting) {
  const shown = posting.posting_skill.slice(0, 6);
  return element('li', { class: 'card' },
    element('h2', {}, element('a', {
      href: address(state, { posting: posting.id }), 'data-route': true, 'data-posting': posting.id,
    }, posting.title)),
    element('p', { class: 'company' }, posting.company.name),
    element('p', { class: 'salary' }, salaryRange(posting), element('span', { class: 'unit' }, ' a year')),
    element('ul', { class: 'facts', 'aria-label': 'Facts' },
      element('li', {}, SENIORITY[posting.seniority]),
      element('li', {}, REMOTE[posting.remote]),
      element('li', {}, `${posting.city}, ${country(posting.country)}`),
      element('li', {}, date(posting.published_at))),
    element('ul', { class: 'tags', 'aria-label': 'Skills' },
      shown.map(({ required, skill }) => element('li', { class: required ? 'tag required' : 'tag' }, skill.name))));
}

function showPages(state, total) {
  const page = pageOf(state);
  const last = Math.max(1, Math.ceil(total / PAGE_SIZE));
  pages.hidden = last === 1;
  const link = (target, text, rel) => (target < 1 || target > last
    ? element('span', { class: 'button off' }, text)
    : element('a', { class: 'button', rel, href: address(state, { page: target === 1 ? null : target }), 'data-route': 'page' }, text));
  pages.replaceChildren(
    link(page - 1, 'Previous', 'prev'),
    element('span', { class: 'place' }, `Page ${page} of ${last}`),
    link(page + 1, 'Next', 'next'));
}

function showError(error, parent, wrapper, heading) {
  status.textContent = '';
  pages.hidden = true;
  const retry = element('button', { type: 'button', class: 'primary' }, 'Try again');
  retry.addEventListener('click', () => render({}));
  const offline = error instanceof TypeError;
  // The alert stands inside: a list's item keeps its own role.
  const alert = element('div', { role: 'alert' },
    heading,
    element('p', {}, offline ? 'The server cannot be reached. Is the network up?' : error.message));
  parent.replaceChildren(element(wrapper, { class: 'message' }, alert, retry));
}

// ---------------------------------------------------------------- one posting

async function showDetail(state, id, { moved }) {
  listView.hidden = true;
  detailView.hidden = false;
  const back = element('p', { class: 'back' },
    element('a', { href: address(state, { posting: null }), 'data-route': true }, '← All positions'));
  detailView.setAttribute('aria-busy', 'true');
  detailView.replaceChildren(back, element('p', { role: 'status', class: 'hint' }, 'Loading…'));
  cameFrom = id;

  const { signal } = (running = new AbortController());
  try {
    const query = new URLSearchParams({
      select: 'id,title,summary,duties,requirements,benefits,seniority,remote,city,country,salary_min,salary_max,currency,state,'
        + 'published_at,company(name,about,website,city,country,size,founded_year),posting_skill(required,min_years,skill(name,slug))',
      id: `eq.${id}`,
      'posting_skill.order': 'required.desc,skill_id.asc',
    });
    const { rows: posting } = await read('posting', query, { single: true, signal });
    detailView.replaceChildren(back, ...detail(posting));
    document.title = `${posting.title} – ${posting.company.name}`;
    compareSalary(posting, signal);
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error.code === 'PGRST116' || error.code === '22P02') {
      document.title = 'Not found – Back-end jobs';
      detailView.replaceChildren(back,
        element('h1', { id: 'detail-title', tabindex: '-1' }, 'This position is not open'),
        element('p', {}, 'It may have been filled or taken back.'));
    } else {
      const box = element('div');
      detailView.replaceChildren(back, box);
      showError(error, box, 'div', element('h1', { id: 'detail-title', tabindex: '-1' }, 'This position could not be loaded'));
    }
  } finally {
    if (!signal.aborted) {
      detailView.removeAttribute('aria-busy');
      if (moved) {
        window.scrollTo(0, 0);
        byId('detail-title')?.focus({ preventScroll: true });
      }
    }
  }
}

function detail(posting) {
  const { company } = posting;
  const fact = (name, ...value) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value));
  const bullets = (heading, text) => [element('h2', {}, heading), element('ul', { class: 'bullets' }, lines(text).map((line) => element('li', {}, line)))];
  const skill = (entry) => element('li', {}, element('a', {
    class: entry.required ? 'tag required' : 'tag', href: address(new URLSearchParams(), { skill: entry.skill.slug }), 'data-route': true,
  }, entry.skill.name, entry.min_years ? element('span', { class: 'unit' }, ` ${entry.min_years}+ years`) : null));
  const skills = (heading, required) => {
    const entries = posting.posting_skill.filter((entry) => entry.required === required);
    return entries.length > 0 ? [element('h3', {}, heading), element('ul', { class: 'tags' }, entries.map(skill))] : [];
  };
  return [
    element('header', {},
      element('h1', { id: 'detail-title', tabindex: '-1' }, posting.title),
      element('p', { class: 'company' }, company.name),
      // Only where the panel with the facts is far below.
      element('p', { class: 'salary' }, salaryRange(posting), element('span', { class: 'unit' }, ` a year, ${REMOTE[posting.remote].toLowerCase()}`))),
    element('div', { class: 'detail-columns' },
      element('div', { class: 'text' },
        element('p', { class: 'lead' }, posting.summary),
        bullets('What you will do', posting.duties),
        bullets('What you bring', posting.requirements),
        posting.benefits.length > 0 && [
          element('h2', {}, 'What you get'),
          element('ul', { class: 'bullets' }, posting.benefits.map((benefit) => element('li', {}, benefit[0].toUpperCase() + benefit.slice(1)))),
        ]),
      element('div', { class: 'side' },
        element('section', { class: 'panel', 'aria-labelledby': 'facts-heading' },
          element('h2', { id: 'facts-heading' }, 'At a glance'),
          element('dl', {},
            fact('Salary', element('strong', {}, salaryRange(posting)), ' a year', element('span', { id: 'comparison', class: 'hint' })),
            fact('Seniority', SENIORITY[posting.seniority]),
            fact('Place of work', REMOTE[posting.remote]),
            fact('Office', `${posting.city}, ${country(posting.country)}`),
            fact('Published', date(posting.published_at))),
          skills('Needed', true),
          skills('Welcome', false)),
        element('section', { class: 'panel', 'aria-labelledby': 'company-heading' },
          element('h2', { id: 'company-heading' }, `About ${company.name}`),
          element('p', {}, company.about),
          element('p', { class: 'hint' }, `${company.city}, ${country(company.country)}. ${company.size} people`,
            company.founded_year ? `, since ${company.founded_year}.` : '.'),
          company.website && element('p', {}, element('a', { href: company.website, rel: 'noopener nofollow' }, 'Website'))))),
  ];
}

/** Adds the median of comparable positions; the page is complete without it. */
async function compareSalary(posting, signal) {
  const query = new URLSearchParams({
    select: 'postings,median', seniority: `eq.${posting.seniority}`, currency: `eq.${posting.currency}`,
  });
  const { rows } = await read('salary_by_seniority', query, { signal }).catch(() => ({ rows: [] }));
  const [figures] = rows;
  if (figures && figures.postings >= 3 && byId('comparison')) {
    byId('comparison').textContent =
      `The median of ${figures.postings} ${SENIORITY[posting.seniority].toLowerCase()} positions in ${posting.currency} is ${money(figures.median, posting.currency)}.`;
  }
}

// ---------------------------------------------------------------- the form

function fillForm(state) {
  for (const name of [...FILTERS, 'sort']) {
    const field = form.elements[name];
    const value = state.get(name) ?? '';
    // The choices of some lists arrive later: keep what the address asks for.
    if (field.tagName === 'SELECT' && value && ![...field.options].some((option) => option.value === value)) {
      field.append(element('option', { value, 'data-unknown': true }, value));
    }
    if (field !== document.activeElement || field.tagName === 'SELECT') field.value = value;
  }
  const active = FILTERS.slice(1).filter((name) => state.get(name)).length;
  byId('filter-count').hidden = active === 0;
  byId('filter-count').textContent = `(${active} set)`;
}

function applyForm({ replace = false } = {}) {
  const values = Object.fromEntries([...FILTERS, 'sort'].map((name) => [name, form.elements[name].value.trim()]));
  // Amounts in different currencies cannot be compared.
  if ((values.salary || values.sort === 'salary') && !values.currency) values.currency = 'EUR';
  const href = address(new URLSearchParams(), values);
  if (new URL(href, location.href).search !== location.search) go(href, { replace });
}

async function loadChoices() {
  const [skills, salaries] = await Promise.all([
    read('skill', new URLSearchParams({ select: 'name,slug,category', order: 'category.asc,name.asc' })),
    read('salary_by_seniority', new URLSearchParams({ select: 'currency', order: 'currency.asc' })),
  ]);
  const groups = Map.groupBy
    ? Map.groupBy(skills.rows, (skill) => skill.category)
    : skills.rows.reduce((map, skill) => map.set(skill.category, [...(map.get(skill.category) ?? []), skill]), new Map());
  for (const [category, members] of groups) {
    byId('skill').append(element('optgroup', { label: CATEGORY[category] ?? category },
      members.map((skill) => element('option', { value: skill.slug }, skill.name))));
  }
  for (const currency of new Set(salaries.rows.map((row) => row.currency))) {
    byId('currency').append(element('option', { value: currency }, currency));
  }
  document.querySelectorAll('[data-unknown]').forEach((option) => option.remove());
  fillForm(currentState());
}

// ---------------------------------------------------------------- start

function render({ moved = false }) {
  running?.abort();
  const state = currentState();
  const id = state.get('posting');
  if (id === null) showList(state, { moved });
  else showDetail(state, id, { moved });
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-route]');
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', link.href);
  if (link.dataset.route === 'page') window.scrollTo(0, 0);
  render({ moved: link.dataset.route || true });
});
window.addEventListener('popstate', () => render({}));

let typing;
form.addEventListener('input', (event) => {
  if (event.target.name !== 'q' && event.target.name !== 'salary') return;
  clearTimeout(typing);
  typing = setTimeout(() => applyForm({ replace: true }), 350);
});
form.addEventListener('change', (event) => {
  if (event.target.tagName === 'SELECT') applyForm();
});
byId('sort').addEventListener('change', () => applyForm());
form.addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typing);
  applyForm();
});
form.addEventListener('reset', (event) => {
  event.preventDefault();
  byId('q').value = '';
  byId('salary').value = '';
  go('./');
});

// The filters are folded away where there is no room beside the list.
const wide = window.matchMedia('(min-width: 56rem)');
const fold = () => { byId('more-filters').open = wide.matches; };
wide.addEventListener('change', fold);
fold();

render({});
loadChoices().catch(() => { /* the list itself reports that the API cannot be reached */ });

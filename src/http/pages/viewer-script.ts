/*
 * Text of the session comes from web pages: it is only ever set as `textContent`. While the tab is not visible nothing
 * is asked for.
 */

/** The script of the viewer: asks for the picture, and for the pages and the time left, until the session has ended. */
export const VIEWER_SCRIPT = `
const PICTURE_EVERY_MS = 1000;
const STATE_EVERY_MS = 2000;
const TRY_AGAIN_MS = 3000;
const ANSWER_WITHIN_MS = 15000;
const NO_PICTURE = 'The page gives no picture at the moment. Perhaps it shows a dialog, or is busy.';
const REASONS = {
  released_by_client: 'A client released it.',
  released_by_bulk: 'It was released together with others.',
  client_closed_browser: 'A client closed the browser.',
  client_disconnected: 'Its client disconnected.',
  drained: 'The service was shut down.',
  session_timeout: 'Its time was up.',
  idle_timeout: 'Nobody used it for as long as its idle time-out allows.',
  connect_timeout: 'No client connected in time.',
  queue_timeout: 'It waited too long for a free browser.',
  launch_failed: 'Its browser could not be started.',
  context_failed: 'Its context could not be loaded.',
  browser_crashed: 'Its browser crashed.',
  browser_unresponsive: 'Its browser no longer answered.',
  resource_limit: 'Its browser needed more than a session may use.',
  worker_lost: 'The machine of its browser was lost.',
};

const $ = id => document.getElementById(id);
const given = new URLSearchParams(location.search);
const root = document.documentElement;
const theme = given.get('theme');
if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
if (given.get('showControls') === 'false' || given.get('mode') === 'embed-minimal') root.dataset.bare = '';

let chosen = given.get('pageId');
let shown = null;
let state = null;
let stateAt = 0;
let isOver = false;
let hasPicture = true;
let wake = () => undefined;

const base = location.pathname.replace(/\\/$/, '');

async function ask(what, query = {}) {
  const params = new URLSearchParams({ token: given.get('token') ?? '', ...query });
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = await fetch(base + '/' + what + '?' + params, { cache: 'no-store', signal });
  if (answer.ok) return answer;
  const { code } = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(code ?? 'unknown'), { code });
}

function notice(text) {
  $('notice').hidden = text === '';
  if ($('notice').textContent !== text) $('notice').textContent = text;
}

function over(text) {
  isOver = true;
  notice(text);
  $('frame').classList.add('old');
  $('menu').hidden = true;
  $('nothing').textContent = 'There is no picture of a session that has ended.';
  wake();
}

/* 3 725 000 ms -> 1:02:05. */
function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = number => String(number).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? h + ':' + two(m) + ':' + two(s) : m + ':' + two(s);
}

function showTime() {
  if (state === null) return;
  const passed = performance.now() - stateAt;
  const { status, timeLeft, idleTimeLeft, duration, queuePosition } = state;
  if (status === 'created') {
    $('time').textContent = queuePosition === null ? 'starting' : 'waiting, number ' + queuePosition;
  } else if (timeLeft === null) {
    $('time').textContent = 'was live for ' + clock(duration);
  } else {
    const isIdleFirst = idleTimeLeft !== null && idleTimeLeft < timeLeft;
    $('time').textContent =
      clock(timeLeft - passed) + ' left' + (isIdleFirst ? ', ' + clock(idleTimeLeft - passed) + ' if idle' : '');
  }
}

function showPages() {
  const { pages, pagesKnown, status } = state;
  $('menu').hidden = pages.length === 0;
  if (!pagesKnown) return;
  const before = shown?.id;
  shown = pages.find(({ id }) => id === chosen) ?? pages[0] ?? null;
  $('url').hidden = shown === null;
  $('url').textContent = shown?.url ?? '';
  const buttons = pages.map(page => {
    const item = document.createElement('li');
    const button = item.appendChild(document.createElement('button'));
    button.type = 'button';
    button.dataset.id = page.id;
    button.setAttribute('aria-current', String(page === shown));
    for (const [name, text] of [['title', page.title || page.url], ['url', page.url]]) {
      const line = button.appendChild(document.createElement('span'));
      line.className = name;
      line.textContent = text;
    }
    return item;
  });
  const focused = document.activeElement?.dataset?.id;
  const isSame = $('pages').innerHTML === buttons.map(({ outerHTML }) => outerHTML).join('');
  if (!isSame) {
    $('pages').replaceChildren(...buttons);
    if (focused !== undefined) $('pages').querySelector('[data-id="' + CSS.escape(focused) + '"]')?.focus();
  }
  if (shown === null && status === 'live') {
    $('picture').hidden = true;
    $('nothing').hidden = false;
    $('nothing').textContent = 'No page is open.';
  }
  if (before !== shown?.id) wake();
}

function showState() {
  const { id, name, status, endReason, error } = state;
  $('name').textContent = name ?? id;
  document.title = (name ?? id) + ' – ' + status.replace('_', ' ');
  $('status').className = status;
  $('status').textContent = status.replace('_', ' ');
  showTime();
  showPages();
  if (status === 'created' || status === 'live') return;
  const why = REASONS[endReason] ?? '';
  over(['The session has ended: ' + status.replace('_', ' ') + ', ' + endReason + '.', why, error?.message ?? '']
    .filter(text => text !== '').join(' '));
}

async function refreshState() {
  try {
    const answer = await (await ask('state')).json();
    state = answer;
    stateAt = performance.now();
    notice(hasPicture ? '' : NO_PICTURE);
    showState();
    return STATE_EVERY_MS;
  } catch (error) {
    if (error.code === 'unauthorized') over('This link is not valid.');
    else if (error.code === 'session_not_found') over('The service no longer knows this session.');
    else notice('The service does not answer. Trying again…');
    return TRY_AGAIN_MS;
  }
}

async function refreshPicture() {
  if (state?.status !== 'live' || (state.pagesKnown && shown === null)) return PICTURE_EVERY_MS;
  const startedAt = performance.now();
  const asked = shown?.id;
  try {
    const answer = await ask('picture', asked === undefined ? {} : { pageId: asked });
    const url = URL.createObjectURL(await answer.blob());
    const picture = $('picture');
    const old = picture.src;
    // Another page was chosen meanwhile.
    if (asked !== shown?.id) {
      URL.revokeObjectURL(url);
      return 0;
    }
    picture.src = url;
    await picture.decode().catch(() => undefined);
    if (old !== '') URL.revokeObjectURL(old);
    picture.hidden = false;
    $('nothing').hidden = true;
    hasPicture = true;
    if (!isOver) $('frame').classList.remove('old');
    return Math.max(0, startedAt + PICTURE_EVERY_MS - performance.now());
  } catch {
    // The next state says so, unless it says why: the session has ended, or the service is away.
    hasPicture = false;
    $('frame').classList.add('old');
    return TRY_AGAIN_MS;
  }
}

const visible = () =>
  new Promise(resolve => {
    if (!document.hidden) return resolve();
    document.addEventListener('visibilitychange', () => resolve(visible()), { once: true });
  });

async function repeat(refresh, isWoken) {
  while (!isOver) {
    await visible();
    const waitMs = await refresh();
    await new Promise(resolve => {
      setTimeout(resolve, waitMs);
      if (isWoken) wake = resolve;
    });
  }
}

$('pages').addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button === null || state === null) return;
  chosen = button.dataset.id;
  showPages();
});
setInterval(showTime, 1000);
repeat(refreshState, false);
repeat(refreshPicture, true);
`;

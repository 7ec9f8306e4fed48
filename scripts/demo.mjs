/*
 * `npm run demo`: one session from its creation to its end. It uses the service at HOLDFAST_URL, else the one of this
 * machine at HOLDFAST_PORT (default 3000), with HOLDFAST_API_KEY if the service needs a key. If there is no service, it
 * starts one for as long as the demo runs. The demo itself serves the page that it opens: no internet is needed.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import puppeteer from 'puppeteer';
import { startService } from './demo/service.mjs';

/** The port 0 (any free port) does not say where a service is; then the default is used. */
const PORT = Number(process.env.HOLDFAST_PORT) || 3000;
const LOCAL_URL = `http://127.0.0.1:${PORT}`;

const PAGE = `<!doctype html>
<title>A page of the demo</title>
<h1>Browser sessions that hold</h1>
<ul id="promises"></ul>
<script>
  for (const text of ['never forgotten', 'ended exactly once', 'gone within five seconds']) {
    document.querySelector('#promises').append(Object.assign(document.createElement('li'), { textContent: text }));
  }
</script>`;

const print = (title, text = '') => process.stdout.write(`${title.padEnd(10)}${text}\n`);

async function main() {
  const service = await findService();
  try {
    await demonstrate(service.url);
  } finally {
    await service.stop();
  }
}

/** The running service, or one that the demo starts. */
async function findService() {
  const url = (process.env.HOLDFAST_URL || LOCAL_URL).replace(/\/+$/, '');
  if (await isAlive(url)) {
    print('service', `${url} (already running)`);
    return { url, stop: () => undefined };
  }
  if (process.env.HOLDFAST_URL) throw new Error(`there is no answer at HOLDFAST_URL ${url}`);
  const startedMs = performance.now();
  const service = await startService();
  print('service', `${service.url} (started for the demo in ${since(startedMs)})`);
  return service;
}

async function demonstrate(url) {
  const startedMs = performance.now();
  const session = await call(url, 'POST', '/v1/sessions', { timeout: 60_000, labels: { purpose: 'demo' } });
  print('create', `session ${session.id} is ${session.status} after ${since(startedMs)}`);
  try {
    await drive(session);
    const { events } = await call(url, 'GET', `/v1/sessions/${session.id}/events`);
    print('history', `of ${events.length} commits`);
    for (const { seq, at, from, to, cause, actor } of events) {
      print('', `${String(seq).padStart(2)}  ${at}  ${from ?? '·'} → ${to}  ${cause} by ${actor}`);
    }
  } finally {
    const releasedMs = performance.now();
    await call(url, 'POST', `/v1/sessions/${session.id}/release`);
    const { status, endReason } = await call(url, 'GET', `/v1/sessions/${session.id}`);
    print('release', `${status} (${endReason}) after ${since(releasedMs)}, the browser is gone`);
  }
}

/** What a program does with a session: connect, open a page, read from it. */
async function drive(session) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(PAGE);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await puppeteer.connect({ browserWSEndpoint: session.websocketUrl });
  try {
    const [page] = await browser.pages();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const promises = await page.$$eval('#promises li', items => items.map(item => item.textContent));
    print('drive', `"${await page.title()}" says: ${promises.join(', ')}`);
  } finally {
    await browser.disconnect();
    server.closeAllConnections();
    server.close();
  }
}

async function call(url, method, path, body) {
  const key = process.env.HOLDFAST_API_KEY;
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.message ?? ''}`);
  return answer;
}

async function isAlive(url) {
  try {
    return (await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false; // refused, silent or no HTTP: no service
  }
}

const since = startedMs => `${Math.round(performance.now() - startedMs)} ms`;

main().catch(error => {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
});

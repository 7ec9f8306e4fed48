import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { caFile } from '../../src/config/data-dir';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';

/* Clients as users run them, over TLS alone: they are only told of the authority, in their environment. */

const PUPPETEER = `
const puppeteer = require('puppeteer');
(async () => {
  const call = async (method, path) => {
    const headers = { 'x-api-key': 'key-of-acme', 'content-type': 'application/json' };
    const answer = await fetch(process.argv[1] + path, { method, headers, body: method === 'POST' ? '{}' : null });
    return answer.json();
  };
  const { id, websocketUrl, viewerUrl } = await call('POST', '/v1/sessions');
  const browser = await puppeteer.connect({ browserWSEndpoint: websocketUrl });
  const page = await browser.newPage();
  await page.goto('data:text/html,<title>over TLS</title>');
  const title = await page.title();
  await browser.disconnect();
  const viewer = (await fetch(viewerUrl)).status;
  const { status } = await call('DELETE', '/v1/sessions/' + id);
  console.log(JSON.stringify({ websocketUrl, title, viewer, status }));
})();
`;

let installation: Installation;
let tlsUrl: string;

beforeAll(async () => {
  const port = await freePort();
  tlsUrl = `https://127.0.0.1:${port}`;
  installation = await Installation.start({
    browser: 'shell',
    env: { HOLDFAST_API_KEYS: 'acme=key-of-acme', HOLDFAST_TLS_PORT: String(port) },
  });
});
afterAll(() => installation.stop());

async function run(...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile(installation.dir.path) };
  return (await promisify(execFile)(process.execPath, args, { env })).stdout;
}

it('creates a session, drives its browser through wss, and shows it to people', async () => {
  const seen: unknown = JSON.parse(await run('-e', PUPPETEER, tlsUrl));
  expect(seen).toEqual({
    websocketUrl: expect.stringMatching(`^${tlsUrl.replace(/^https/, 'wss')}/v1/sessions/`),
    title: 'over TLS',
    viewer: 200,
    status: 'released',
  });
});

it('serves the command line', async () => {
  const flags = ['--url', tlsUrl, '--api-key', 'key-of-acme'];
  const id = (await run('bin/holdfast', 'sessions', 'create', ...flags, '-o', 'name')).trim();
  expect(await run('bin/holdfast', 'sessions', 'list', ...flags)).toContain(id.slice(0, 8));
  expect(await run('bin/holdfast', 'sessions', 'release', id, ...flags)).toContain(id.slice(0, 8));
});

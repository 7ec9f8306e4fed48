import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { archiveLimits } from '../../src/profiles/archive-limits';
import { browserState, type BrowserState } from '../../src/core/browser-state';
import { packProfile } from '../../src/profiles/pack-profile';
import { unpackProfile } from '../../src/profiles/unpack-profile';
import { chromiumArgs } from '../../workers/keeper/process/chromium-args';
import { MANIFEST } from '../support/archives';
import { realChromium } from '../support/keeper-fixture';
import { makeTempDir, type TempDir } from '../support/temp-dir';

/* A login that a page keeps in every way a page can, in a real browser, and in the next one by way of an archive. */

const LIMITS = archiveLimits(2 ** 26);
const COOKIES = [
  'session=1; Path=/',
  'persistent=1; Path=/; Max-Age=100000',
  'partitioned=1; Path=/; Secure; SameSite=None; Partitioned',
];
const WORKER = `
  addEventListener('install', event =>
    event.waitUntil(caches.open('v1').then(cache => cache.put('/cached', new Response('from the cache')))));
  addEventListener('fetch', event => {
    if (new URL(event.request.url).pathname === '/cached') event.respondWith(caches.match('/cached'));
  });`;
const LOG_IN = `(async () => {
  localStorage.setItem('login', 'kept');
  const opened = indexedDB.open('db', 1);
  opened.onupgradeneeded = () => opened.result.createObjectStore('store');
  await new Promise(resolve => (opened.onsuccess = resolve));
  const write = opened.result.transaction('store', 'readwrite');
  write.objectStore('store').put(new Blob(['kept'.repeat(50_000)]), 'login');
  await new Promise(resolve => (write.oncomplete = resolve));
  const file = await (await navigator.storage.getDirectory()).getFileHandle('login', { create: true });
  const writable = await file.createWritable();
  await writable.write('kept');
  await writable.close();
  const bucket = await navigator.storageBuckets.open('login');
  await (await bucket.caches.open('v1')).put('/login', new Response('kept'));
  await navigator.serviceWorker.register('/worker.js');
  await navigator.serviceWorker.ready;
})()`;
const LOGGED_IN = `(async () => {
  const opened = indexedDB.open('db', 1);
  opened.onupgradeneeded = () => opened.transaction.abort();
  const database = await new Promise(resolve => {
    opened.onerror = () => resolve(null);
    opened.onsuccess = () => resolve(opened.result);
  });
  const blob = database && (await new Promise(resolve => {
    const read = database.transaction('store').objectStore('store').get('login');
    read.onsuccess = () => resolve(read.result);
  }));
  const file = await (await navigator.storage.getDirectory()).getFileHandle('login').catch(() => null);
  const bucket = await navigator.storageBuckets.open('login');
  const cached = await (await bucket.caches.open('v1')).match('/login');
  return {
    cookies: (await (await fetch('/cookies')).text()).split('; ').sort(),
    localStorage: localStorage.getItem('login'),
    indexedDbBytes: blob && (await blob.text()).length,
    file: file && (await (await file.getFile()).text()),
    bucket: cached ? await cached.text() : null,
    isControlled: navigator.serviceWorker.controller !== null,
    serviceWorker: await (await fetch('/cached')).text(),
    notifications: (await navigator.permissions.query({ name: 'notifications' })).state,
  };
})()`;
const ALL_KEPT = {
  cookies: ['partitioned=1', 'persistent=1', 'session=1'],
  localStorage: 'kept',
  indexedDbBytes: 200_000,
  file: 'kept',
  bucket: 'kept',
  isControlled: true,
  serviceWorker: 'from the cache',
  notifications: 'granted',
};

let site: Server;
let origin: string;
let dir: TempDir;
let program: string;

beforeAll(async () => {
  const choice = await realChromium();
  const found = choice.kind === 'chromium' ? choice.programs.chromium : undefined;
  if (found === undefined) throw new Error('it is no Chromium');
  program = found;
  site = createServer((request, response) => {
    if (request.url === '/login') response.setHeader('set-cookie', COOKIES);
    if (request.url === '/cookies') return void response.end(request.headers.cookie ?? '');
    const isWorker = request.url === '/worker.js';
    response.setHeader('content-type', isWorker ? 'text/javascript' : 'text/html');
    response.end(isWorker ? WORKER : '<title>site</title>');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  origin = `http://localhost:${(site.address() as AddressInfo).port}`;
  dir = await makeTempDir();
});
afterAll(async () => {
  site.closeAllConnections();
  site.close();
  await dir.remove();
});

/** The preference that keepers add to every profile (run-directory.ts): without it Chromium drops session cookies. */
function keepSessionCookies(profile: string): void {
  const file = join(profile, 'Default/Preferences');
  // SAFETY: the archive's own preferences, which were just unpacked.
  const preferences = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...preferences, session: { restore_on_startup: 1 } }));
}

/** Works with a browser that is started as keepers start it, on a page of its own, and closes it in order. */
async function withBrowser<T>(
  profile: string,
  work: (page: Page, browser: Browser) => Promise<T>,
): Promise<T> {
  const args = chromiumArgs({
    profile,
    browser: 'chromium',
    headless: true,
    dimensions: null,
    deviceScaleFactor: null,
    userAgent: null,
    locale: null,
    proxyServer: null,
    extraArgs: [],
    noSandbox: process.getuid?.() === 0,
  });
  const browser = await puppeteer.launch({
    executablePath: program,
    ignoreDefaultArgs: true,
    args,
    waitForInitialPage: false,
  });
  try {
    return await work(await browser.newPage(), browser);
  } finally {
    await browser.close();
  }
}

const folder = (name: string): string => {
  const path = join(dir.path, name);
  mkdirSync(path);
  return path;
};

it('a login of every kind comes back in a new profile, and nothing else does', async () => {
  const [first, second] = [folder('first'), folder('second')];
  const state = await withBrowser(first, async (page, browser): Promise<BrowserState> => {
    await page.goto(`${origin}/login`);
    await page.evaluate(LOG_IN);
    const cdp = await browser.target().createCDPSession();
    const { cookies } = await cdp.send('Storage.getCookies');
    return browserState.parse({ cookies, localStorage: [] });
  });
  // As a user does in a window; without one there is nothing to click on.
  const file = join(first, 'Default/Preferences');
  const preferences = JSON.parse(readFileSync(file, 'utf8')) as {
    profile: { content_settings: { exceptions: Record<string, unknown> } };
  };
  preferences.profile.content_settings.exceptions.notifications = { [`${origin},*`]: { setting: 1 } };
  writeFileSync(file, JSON.stringify(preferences));

  const source = packProfile({ dir: first, manifest: MANIFEST, state, limits: LIMITS });
  const unpacked = await unpackProfile({ source, dir: second, limits: LIMITS });
  keepSessionCookies(second);
  expect(unpacked.state).toEqual(state);
  expect(state.cookies.map(({ name }) => name).sort()).toEqual(['partitioned', 'persistent', 'session']);
  expect(readdirSync(join(second, 'Default')).sort()).toEqual([
    'Cookies',
    'Cookies-journal',
    'File System',
    'IndexedDB',
    'Local Storage',
    'Preferences',
    'Service Worker',
    'WebStorage',
  ]);

  await withBrowser(second, async (page, browser) => {
    // The page of this test alone: none of a former session.
    expect(await browser.pages()).toHaveLength(1);
    await page.goto(origin);
    expect(await page.evaluate(LOGGED_IN)).toEqual(ALL_KEPT);
  });
});

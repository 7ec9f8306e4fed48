import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Page } from 'puppeteer';

/** The ways in which a site can keep a login in a browser. */
export const LOGIN_KINDS = [
  'sessionCookie',
  'persistentCookie',
  'partitionedCookie',
  'localStorage',
  'indexedDb',
  'serviceWorker',
] as const;

/** What a browser still knows of a login: the value in each place. */
export type Login = Readonly<Record<(typeof LOGIN_KINDS)[number], string | null>>;

/** A login with the same value in all places. */
export function loginOf(value: string | null): Login {
  const [a, b, c, d, e, f] = LOGIN_KINDS;
  return { [a]: value, [b]: value, [c]: value, [d]: value, [e]: value, [f]: value };
}

/** A site that keeps a login in all of these ways. */
export interface LoginSite {
  readonly url: string;
  close(): Promise<void>;
}

const SCRIPT = `
  const request = it => new Promise((done, fail) => { it.onsuccess = () => done(it.result); it.onerror = () => fail(it.error); });
  const database = async () => {
    const open = indexedDB.open('logins', 1);
    open.onupgradeneeded = () => open.result.createObjectStore('logins');
    return request(open);
  };
  const stored = async () => (await database()).transaction('logins').objectStore('logins');
  async function login(value) {
    await fetch('/cookies?value=' + value);
    localStorage.setItem('login', value);
    const write = (await database()).transaction('logins', 'readwrite');
    write.objectStore('logins').put(value, 'login');
    await new Promise((done, fail) => { write.oncomplete = done; write.onabort = fail; });
    await navigator.serviceWorker.register('/worker.js');
    await navigator.serviceWorker.ready;
    await (await caches.open('logins')).put('/kept', new Response(value));
  }
  async function remembered() {
    const cookies = Object.fromEntries((await (await fetch('/cookies')).text()).split('; ').map(pair => pair.split('=')));
    const ready = await navigator.serviceWorker.getRegistration();
    if (ready) await navigator.serviceWorker.ready;
    const kept = ready ? await (await fetch('/from-worker')).text() : null;
    return {
      sessionCookie: cookies.session ?? null,
      persistentCookie: cookies.persistent ?? null,
      partitionedCookie: cookies.partitioned ?? null,
      localStorage: localStorage.getItem('login'),
      indexedDb: (await request((await stored()).get('login'))) ?? null,
      serviceWorker: kept,
    };
  }
`;

const WORKER = `
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', event => event.waitUntil(clients.claim()));
  addEventListener('fetch', event => {
    if (new URL(event.request.url).pathname === '/from-worker') event.respondWith(caches.match('/kept'));
  });
`;

/** Starts the site. Its origin is `localhost`, which is a secure context without a certificate. */
export async function startLoginSite(): Promise<LoginSite> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const value = searchParams.get('value');
    if (pathname === '/cookies' && value !== null) {
      response.setHeader('Set-Cookie', [
        `session=${value}; Path=/; HttpOnly`,
        `persistent=${value}; Path=/; Max-Age=86400`,
        `partitioned=${value}; Path=/; Secure; SameSite=None; Partitioned`,
      ]);
    }
    if (pathname === '/cookies') return response.end(request.headers.cookie ?? '');
    if (pathname === '/worker.js') return response.setHeader('Content-Type', 'text/javascript').end(WORKER);
    if (pathname === '/from-worker') return response.end('from the network');
    return response
      .setHeader('Content-Type', 'text/html')
      .end(`<title>Logins</title><script>${SCRIPT}</script>`);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  // SAFETY: a server on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Logs in on a page, in all places. */
export async function login(page: Page, site: LoginSite, value: string): Promise<void> {
  await page.goto(site.url);
  await page.evaluate(`login(${JSON.stringify(value)})`);
}

/** What the browser still knows of the login. */
export async function rememberedLogin(page: Page, site: LoginSite): Promise<Login> {
  await page.goto(site.url);
  // SAFETY: the site's script answers with the members of a Login.
  return (await page.evaluate('remembered()')) as Login;
}

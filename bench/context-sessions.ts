import type { Page } from 'puppeteer';
import { withPuppeteer } from '../test/support/clients';
import type { Installation, SessionView } from '../test/support/installation';
import { login, type LoginSite } from '../test/support/login-site';
import { browserOf, untilNoBrowser } from './session-browser';

/* Sessions with contexts, and contexts of a size. */

/** The size of a context that has more than a few logins. */
export const LARGE_BYTES = 20e6;

/** The size of a context with a few logins. */
export const SMALL_BYTES = 200e3;

/** How a session is ended: so that its context is saved at its end, or right after it was saved. */
export type Ending = 'release' | 'sync+kill';

/** Creates a session with a context that it saves, or only reads. */
export async function createWith(
  installation: Installation,
  name: string,
  { persist }: { readonly persist: boolean },
): Promise<SessionView> {
  return installation.create({ context: { name, persist } });
}

/** Releases a session. */
export async function releaseSession(installation: Installation, { id }: SessionView): Promise<SessionView> {
  return (await installation.call('POST', `/v1/sessions/${id}/release`)).body;
}

/**
 * Saves the context of a session, by its end or before it.
 *
 * @returns the version that was made.
 * @throws if there is none, or it did not become the current one.
 */
export async function saveAndEnd(
  installation: Installation,
  session: SessionView,
  ending: Ending,
): Promise<number> {
  return ending === 'release'
    ? savedVersion(await releaseSession(installation, session))
    : syncAndKill(installation, session);
}

async function syncAndKill(installation: Installation, { id }: SessionView): Promise<number> {
  const browser = await browserOf(installation);
  const { body } = await installation.call('POST', `/v1/sessions/${id}/context/sync`);
  process.kill(browser.pid, 'SIGKILL');
  const version = savedVersion(body);
  await installation.until(id, ({ endedAt }) => endedAt !== null);
  await untilNoBrowser(installation);
  return version;
}

/**
 * The version that the last save of a session has made.
 *
 * @throws if it has made none, or one that is not current.
 */
export function savedVersion({ context }: Pick<SessionView, 'context'>): number {
  const save = context?.lastSave ?? null;
  if (save === null || save.version === null || !save.isCurrent)
    throw new Error(`the context was not saved: ${JSON.stringify(save)}`);
  return save.version;
}

/** A context whose saved version is as large as asked for. */
export interface StoredContext {
  readonly name: string;
  readonly version: number;
  /** Bytes of the stored version. */
  readonly bytes: number;
}

/** Makes a context with a login, filled up to a size. */
export async function storeContext(
  installation: Installation,
  site: LoginSite,
  { name, bytes, ending }: { readonly name: string; readonly bytes: number; readonly ending: Ending },
): Promise<StoredContext> {
  const session = await createWith(installation, name, { persist: true });
  await withPuppeteer(session, async page => {
    await login(page, site, 'kept');
    await fill(page, bytes);
  });
  const version = await saveAndEnd(installation, session, ending);
  const path = `/v1/contexts/${session.context?.id ?? ''}/versions`;
  const { body } = await installation.call<{ versions: { version: number; bytes: number }[] }>('GET', path);
  return { name, version, bytes: body.versions.find(one => one.version === version)?.bytes ?? 0 };
}

/* Half of it in files of a cache, half in records of a database, as sites have it; nothing of it can be compressed. */
async function fill(page: Page, bytes: number): Promise<void> {
  await page.evaluate(`(async () => {
    const random = length => crypto.getRandomValues(new Uint8Array(length));
    const cache = await caches.open('filling');
    for (let left = ${bytes} / 2; left > 0; left -= 65536)
      await cache.put('/filling/' + left, new Response(random(Math.min(left, 65536))));
    const opening = indexedDB.open('filling', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('filling');
    await new Promise((done, fail) => { opening.onsuccess = done; opening.onerror = fail; });
    const write = opening.result.transaction('filling', 'readwrite');
    for (let left = ${bytes} / 2; left > 0; left -= 16384)
      write.objectStore('filling').put(random(Math.min(left, 16384)), left);
    await new Promise((done, fail) => { write.oncomplete = done; write.onabort = fail; });
    opening.result.close();
  })()`);
}

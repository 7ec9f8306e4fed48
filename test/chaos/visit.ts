import { withDeadline } from '../../src/core/abort';
import { RawCdp } from '../support/raw-cdp';

/** A fault may leave the connection open and silent. */
const VISIT_TIMEOUT_MS = 5_000;

const SITE = 'http://marks.invalid/';

interface Cookies {
  readonly cookies: readonly { readonly name: string }[];
}

/**
 * Leaves a mark in the browser of a session, and answers all marks that are in it: another than its own shows that the
 * browser has served another session.
 *
 * @returns null if the browser could not be reached, or was lost meanwhile.
 */
export async function visit(websocketUrl: string, mark: string): Promise<readonly string[] | null> {
  const connecting = RawCdp.connect(websocketUrl);
  const look = async (): Promise<readonly string[]> => {
    const cdp = await connecting;
    await cdp.call('Storage.setCookies', { cookies: [{ name: mark, value: '1', url: SITE }] });
    const { cookies } = await cdp.call<Cookies>('Storage.getCookies');
    return cookies.map(({ name }) => name);
  };
  try {
    return await withDeadline('a visit', VISIT_TIMEOUT_MS, look());
  } catch {
    return null;
  } finally {
    connecting.then(
      ({ socket }) => socket.terminate(),
      () => undefined, // there is none
    );
  }
}

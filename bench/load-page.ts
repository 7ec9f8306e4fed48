import { connectPuppeteer } from '../test/support/clients';
import type { SessionView } from '../test/support/installation';

/** The page that benchmarks load: no network is measured. */
export const PAGE = 'data:text/html,<title>loaded</title>';

/** Connects to a session as its clients do, loads {@link PAGE} in its first page, and disconnects. */
export async function loadPage(session: SessionView): Promise<void> {
  const browser = await connectPuppeteer(session);
  const [page] = await browser.pages();
  await page?.goto(PAGE);
  await browser.disconnect();
}

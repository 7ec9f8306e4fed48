import { z } from 'zod';
import { withBrowser, type CdpCall } from './cdp-call';
import type { Route } from './dial';

/** A page that is open in a browser. */
export interface OpenPage {
  readonly id: string;
  readonly url: string;
  readonly title: string;
}

/** Short, because the answer of the API is useful without the pages. */
const ANSWER_TIMEOUT_MS = 1_000;

const targets = z.object({
  targetInfos: z.array(
    z.object({ targetId: z.string(), type: z.string(), url: z.string(), title: z.string() }),
  ),
});

/**
 * The open pages of a browser.
 *
 * @throws ServiceError `browser_unreachable` if it does not answer within a second.
 */
export async function openPages(route: Route): Promise<OpenPage[]> {
  return withBrowser(route, listPages, ANSWER_TIMEOUT_MS);
}

/** As {@link openPages}, on a connection that is open. Attaches to no target, so that clients do not notice it. */
export async function listPages(call: CdpCall): Promise<OpenPage[]> {
  const { targetInfos } = targets.parse(await call('Target.getTargets', {}));
  return targetInfos
    .filter(({ type }) => type === 'page')
    .map(({ targetId: id, url, title }) => ({ id, url, title }));
}

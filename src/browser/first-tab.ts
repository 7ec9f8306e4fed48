import { z } from 'zod';
import { ServiceError } from '../core/errors';
import { withBrowser, type CdpCall } from './cdp-call';
import type { Route } from './dial';

const contexts = z.object({ browserContextIds: z.array(z.string()) });

const targets = z.object({
  targetInfos: z.array(
    z.object({
      targetId: z.string(),
      browserContextId: z.string().default(''),
      /** The page that has opened this one with `window.open`. */
      openerId: z.string().default(''),
      /** Not part of the stable protocol: without it all tabs count as equal. */
      embedderData: z.object({ tabStripIndex: z.int() }).catch({ tabStripIndex: 0 }),
    }),
  ),
});

/**
 * The tab of a session's first page, as a CDP target: the leftmost tab of the browser's own context that no other page
 * has opened. Chromium lists its targets in no order. If no page is open, one is opened.
 *
 * @throws ServiceError `browser_unreachable`.
 */
export async function firstTab(route: Route): Promise<string> {
  return withBrowser(route, async call => {
    const tab = await findFirst(call);
    if (tab !== undefined) return tab;
    await call('Target.createTarget', { url: 'about:blank' });
    const opened = await findFirst(call);
    if (opened === undefined) throw new ServiceError('browser_unreachable', 'The browser opens no page.');
    return opened;
  });
}

async function findFirst(call: CdpCall): Promise<string | undefined> {
  const { browserContextIds: foreign } = contexts.parse(await call('Target.getBrowserContexts', {}));
  const { targetInfos } = targets.parse(await call('Target.getTargets', { filter: [{ type: 'tab' }] }));
  const own = targetInfos
    .filter(({ browserContextId }) => !foreign.includes(browserContextId))
    .sort((a, b) => a.embedderData.tabStripIndex - b.embedderData.tabStripIndex);
  return (own.find(({ openerId }) => openerId === '') ?? own[0])?.targetId;
}

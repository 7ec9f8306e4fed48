import { z } from 'zod';
import { invalidFields } from '../core/check-fields';
import { withBrowser, type CdpCall } from './cdp-call';
import type { Route } from './dial';
import { listPages } from './open-pages';

const attached = z.object({ sessionId: z.string() });
/* Text stays legible. */
const QUALITY = { png: {}, jpeg: { quality: 80 } } as const;

/** How a picture is encoded; JPEG is a fraction of the work and the size. */
export type ImageFormat = keyof typeof QUALITY;

const captured = z.object({ data: z.base64() });

/**
 * A screenshot of a page. Attaches to this one page without making any target wait. Captures only the visible
 * part: a larger capture would resize the page while clients use it.
 *
 * @param pageId - which page; null: the first
 * @throws ServiceError `invalid_request` if there is no page with this id, `browser_unreachable`.
 */
export async function takeScreenshot(
  route: Route,
  pageId: string | null,
  format: ImageFormat = 'png',
): Promise<Buffer> {
  return withBrowser(route, async call => {
    const pages = await listPages(call);
    const targetId = (pageId === null ? pages[0] : pages.find(({ id }) => id === pageId))?.id;
    if (targetId === undefined) {
      const message = pageId === null ? 'there is no open page' : 'there is no page with this id';
      throw invalidFields([{ pointer: 'query/pageId', message }]);
    }
    const { sessionId } = attached.parse(await call('Target.attachToTarget', { targetId, flatten: true }));
    return capturePage(call, sessionId, format);
  });
}

/** What an attached page shows. */
export async function capturePage(
  call: CdpCall,
  sessionId: string,
  format: ImageFormat = 'png',
): Promise<Buffer> {
  const answer = await call('Page.captureScreenshot', { format, ...QUALITY[format] }, sessionId);
  const { data } = captured.parse(answer);
  return Buffer.from(data, 'base64');
}

import type { RequestHandler } from 'express';
import { ServiceError } from '../../core/errors';

/**
 * `GET /v1/sessions/:id/cdp` without an upgrade: explains the URL. Needs no key, since the answer contains nothing
 * else.
 */
export const sessionCdpRoute: RequestHandler = (_req, res) => {
  res.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
  throw new ServiceError(
    'upgrade_required',
    'This URL is for WebSockets: pass all of it to puppeteer.connect({ browserWSEndpoint }) or ' +
      'chromium.connectOverCDP().',
  );
};

import { ServiceError } from '../../../core/errors';
import { passwordIn } from '../../edge/authenticator';
import type { Dialect, DialectHandlers, DialectParts } from '../dialect';
import { TESTMU_CALLS } from './calls';
import { testmuDoor } from './door';
import { testmuErrorAnswer } from './errors';
import { listRoute } from './session-list';

/**
 * What the SDK of TestMu AI's Browser Cloud connects to: `customWebSocketUrl: '<url>/testmu/puppeteer?capabilities=…'`.
 */
export function testmu(parts: DialectParts): Dialect {
  const handlers: DialectHandlers<typeof TESTMU_CALLS> = {
    connect: (_req, res) => {
      res.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
      throw new ServiceError('upgrade_required', 'This is a WebSocket: connect to it with Puppeteer.');
    },
    list: listRoute(parts),
  };
  return {
    name: 'testmu',
    mount: '/testmu',
    scope: 'sessions',
    calls: TESTMU_CALLS,
    handlers,
    keyOf: ({ headers }) => passwordIn(headers),
    errorAnswer: testmuErrorAnswer,
    doors: [testmuDoor(parts)],
  };
}

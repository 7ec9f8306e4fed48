import type { Dialect, DialectHandlers, DialectParts } from '../dialect';
import { STEEL_CALLS } from './calls';
import { steelDoor } from './door';
import { steelErrorAnswer } from './errors';
import { createRoute, listRoute, releaseAllRoute, releaseRoute, retrieveRoute } from './session-routes';

/** Steel's REST API and WebSocket, for its SDKs as they are: `STEEL_BASE_URL=<url>/steel`. */
export function steel(parts: DialectParts): Dialect {
  const handlers: DialectHandlers<typeof STEEL_CALLS> = {
    create: createRoute(parts),
    list: listRoute(parts),
    releaseAll: releaseAllRoute(parts),
    retrieve: retrieveRoute(parts),
    release: releaseRoute(parts),
  };
  return {
    name: 'steel',
    mount: '/steel',
    calls: STEEL_CALLS,
    handlers,
    keyOf: ({ headers }) => {
      const key = headers['steel-api-key'];
      return typeof key === 'string' ? key : null;
    },
    errorAnswer: steelErrorAnswer,
    doors: [steelDoor(parts)],
  };
}

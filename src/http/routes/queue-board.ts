import type { RequestHandler } from 'express';
import type { Producer } from '../../queue/producer';
import type { Scope } from '../../core/scopes';
import type { Authenticator } from '../edge/authenticator';
import { methodNotAllowed } from '../edge/error-handler';
import { queueBoard } from '../queue-board/queue-board';
import { admit } from '../edge/request-context';

/** Path of the board. */
export const BOARD_PATH = '/queues';

/** What a key needs for the board. */
const BOARD_SCOPE: Scope = 'admin';

/** Dependencies of the board. */
export interface QueueBoardParts {
  readonly authenticator: Pick<Authenticator, 'callerOfPerson'>;
  readonly producer: Pick<Producer, 'all'>;
}

/**
 * `GET /queues`: all queues as a page for people, who cannot change anything there. A browser sends the API key as the
 * password of HTTP Basic. Jobs name sessions of every tenant, so the key must be one for the installation (I14).
 */
export function queueBoardRoute({ authenticator, producer }: QueueBoardParts): RequestHandler {
  const refuse = methodNotAllowed('GET', 'HEAD');
  let board: Promise<RequestHandler> | null = null;
  return async (req, res, next) => {
    const caller = await authenticator.callerOfPerson(req, BOARD_SCOPE);
    if (caller === null) {
      res
        .status(401)
        .set('WWW-Authenticate', 'Basic realm="Holdfast: any name, the API key as password", charset="UTF-8"')
        .type('text')
        .send(
          'An API key is needed: as the password, with any user name, or in a header as for every request.\n',
        );
      return;
    }
    admit(res, caller);
    if (req.method !== 'GET' && req.method !== 'HEAD') refuse(req, res);
    else {
      board ??= queueBoard(producer.all(), BOARD_PATH);
      (await board)(req, res, next);
    }
  };
}

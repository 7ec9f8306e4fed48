import type { RequestHandler } from 'express';
import type { Producer } from '../../queue/producer';
import type { Authenticator } from '../edge/authenticator';
import { methodNotAllowed, notFound } from '../edge/error-handler';
import { queueBoard } from '../queue-board/queue-board';
import { contextOf } from '../edge/request-context';

/** Path of the board. */
export const BOARD_PATH = '/queues';

/** Dependencies of the board. */
export interface QueueBoardParts {
  readonly authenticator: Pick<Authenticator, 'tenantOfPerson' | 'isShared'>;
  readonly producer: Pick<Producer, 'all'>;
}

/**
 * `GET /queues`: all queues as a page for people, who cannot change anything there. A browser sends the API key as the
 * password of HTTP Basic. Jobs name sessions of every tenant, so an installation with several has no such page (I14).
 */
export function queueBoardRoute({ authenticator, producer }: QueueBoardParts): RequestHandler {
  const refuse = methodNotAllowed('GET', 'HEAD');
  let board: Promise<RequestHandler> | null = null;
  return async (req, res, next) => {
    if (authenticator.isShared) notFound(req);
    const tenant = authenticator.tenantOfPerson(req.headers);
    if (tenant === null) {
      res
        .status(401)
        .set('WWW-Authenticate', 'Basic realm="Holdfast: any name, the API key as password", charset="UTF-8"')
        .type('text')
        .send(
          'An API key is needed: as the password, with any user name, or in a header as for every request.\n',
        );
      return;
    }
    contextOf(res).tenant = tenant;
    if (req.method !== 'GET' && req.method !== 'HEAD') refuse(req, res);
    else {
      board ??= queueBoard(producer.all(), BOARD_PATH);
      (await board)(req, res, next);
    }
  };
}

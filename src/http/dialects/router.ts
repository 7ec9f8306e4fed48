import { Router, type RequestHandler } from 'express';
import { ServiceError } from '../../core/errors';
import { dropBody } from '../../core/request-body';
import type { Logger } from '../../core/logger';
import type { Authenticator } from '../edge/authenticator';
import { unauthorized } from '../edge/caller';
import { bodyReader } from '../edge/body';
import type { EdgeGuard } from '../edge/edge-guard';
import { errorHandler, notFound } from '../edge/error-handler';
import { programsOnly } from '../edge/programs-only';
import { admit } from '../edge/request-context';
import { routePath, VERBS } from '../mount';
import type { Dialect, DialectCall } from './dialect';

/** Dependencies of {@link dialectRouter}. */
export interface DialectRouterParts {
  readonly authenticator: Pick<Authenticator, 'callerWith'>;
  readonly log: Logger;
}

/** The calls of a dialect as routes. Whatever happens below its mount is answered in its own form. */
export function dialectRouter(dialect: Dialect, { authenticator, log }: DialectRouterParts): Router {
  const router = Router();
  const authenticate: RequestHandler = async (req, res, next) => {
    const caller = await authenticator.callerWith(req, dialect.keyOf(req), dialect.scope);
    if (caller === null) throw unauthorized();
    admit(res, caller);
    next();
  };
  for (const enter of dialect.enter ?? []) router.use(enter);
  for (const [name, call] of Object.entries(dialect.calls)) {
    const isUnread = call.isStreamed === true || call.isMissing === true;
    const guards = [
      ...(call.isOpen === true ? [] : [authenticate]),
      ...(isUnread ? [] : (dialect.bodyReaders ?? bodyReader(call.bodyMaxBytes))),
    ];
    const handler = dialect.handlers[name] ?? missing(call);
    router.route(routePath(call.path))[VERBS[call.method]](...guards, handler);
  }
  router.use(authenticate, notFound);
  router.use(errorHandler(log, dialect.errorAnswer));
  return router;
}

/** The same for a dialect that no page has business with: it refuses requests of pages in its own form. */
export function programsRouter(
  dialect: Dialect,
  parts: DialectRouterParts & { readonly guard: EdgeGuard },
): Router {
  const guard = programsOnly(parts.guard);
  const router = Router();
  router.use((req, _res, next) => {
    guard(req);
    next();
  });
  router.use(dialectRouter(dialect, parts));
  router.use(errorHandler(parts.log, dialect.errorAnswer));
  return router;
}

/** The routes of a dialect as metrics show them. */
export const dialectRoutes = ({ mount, calls }: Dialect): readonly string[] => [
  ...new Set(Object.values(calls).map(({ path }) => mount + routePath(path))),
];

function missing({ call, differs }: DialectCall): RequestHandler {
  return (req, res) => {
    dropBody(req, res);
    throw new ServiceError('not_supported', `${call} is not supported here. ${differs ?? ''}`.trimEnd());
  };
}

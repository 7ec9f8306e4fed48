import type { Express, RequestHandler } from 'express';
import { requireScope } from './edge/caller';
import { methodNotAllowed } from './edge/error-handler';
import type { Operation } from './openapi/operation';
import { OPERATIONS, type OperationId } from './openapi/operations';
import { bodyReader } from './edge/body';
import { queryGuard } from './edge/query-guard';
import { callerOf } from './edge/request-context';

/** The handler of each operation. */
export type Handlers = Readonly<Record<OperationId, RequestHandler>>;

/**
 * Registers the operations of one kind at their paths, in the order of the registry: those that need no key first,
 * then, after authentication, all others. A method that a path does not have is a 405.
 */
export function mount(app: Express, handlers: Handlers, kind: 'open' | 'authenticated'): void {
  const operations = Object.entries<Operation>(OPERATIONS).filter(
    ([, { isOpen }]) => (isOpen === true) === (kind === 'open'),
  );
  for (const path of new Set(operations.map(([, operation]) => operation.path))) {
    const here = operations.filter(([, operation]) => operation.path === path);
    const route = app.route(routePath(path));
    for (const [id, operation] of here) {
      // Probes, links and WebSocket URLs may carry additional parameters; these operations select nothing by them.
      const guards =
        kind === 'open' ? [] : [...scopeGuard(operation), ...bodyReaders(operation), queryGuard(operation)];
      // SAFETY: the entries are those of OPERATIONS.
      route[VERBS[operation.method]](...guards, handlers[id as OperationId]);
    }
    // A fixed path may also match an id: its other methods are left to the next path.
    const isAlsoAnId = operations.some(
      ([, other]) => other.path !== path && patternOf(other.path).test(path),
    );
    if (!isAlsoAnId)
      route.all(methodNotAllowed(...METHODS.filter(name => here.some(([, { method }]) => method === name))));
  }
}

/* Operations that need no key check the keys that they accept themselves. */
const scopeGuard = ({ isOpen, scope }: Operation): RequestHandler[] =>
  isOpen === true || scope === undefined
    ? []
    : [
        (_req, res, next) => {
          requireScope(callerOf(res), scope);
          next();
        },
      ];

/* An operation that streams its body reads it itself. */
const bodyReaders = ({ streamedBody, bodyMaxBytes }: Operation): RequestHandler[] =>
  streamedBody === undefined ? bodyReader(bodyMaxBytes) : [];

/** `/v1/sessions/{id}` as Express writes it; `{+name}` stands for all further parts of a path. */
export const routePath = (path: string): string =>
  path.replaceAll(/\{\+(\w+)\}/g, '*$1').replaceAll(/\{(\w+)\}/g, ':$1');

/** Every path that can match a request, as Express writes it. */
export const ROUTES: readonly string[] = [
  ...new Set(Object.values<Operation>(OPERATIONS).map(({ path }) => routePath(path))),
];

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/{}]+')}$`);

/** The method of an Express route for each HTTP method. */
export const VERBS = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

/* In the order of the `Allow` header. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

import type { AppControllerRoute, AppViewRoute } from '@bull-board/api/typings/app';
import type { ExpressAdapter } from '@bull-board/express';
import { withinRedisBudget } from '../edge/redis-budget';

/** The page may load its own files only. React sets styles on elements. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
};

/* The page would load its fonts from another site; every machine has fonts of its own. */
const FOREIGN_FONTS = /^.*fonts\.googleapis\.com.*$\n?/gm;

/**
 * Makes Bull Board's adapter for Express read-only: the routes that change something do not exist, so safety does not
 * depend on what the page requests.
 *
 * @param Adapter - given, because Bull Board is loaded on demand
 * @param basePath - where the board is mounted
 */
export function readOnlyAdapter(Adapter: typeof ExpressAdapter, basePath: string): ExpressAdapter {
  class ReadOnlyAdapter extends Adapter {
    constructor() {
      super();
      this.app.disable('x-powered-by').use((_req, res, next) => {
        res.set(HEADERS);
        next();
      });
    }

    override setApiRoutes(routes: AppControllerRoute[]): ExpressAdapter {
      return super.setApiRoutes(routes.filter(({ method }) => [method].flat().includes('get')).map(reading));
    }

    override setEntryRoute(entry: AppViewRoute): ExpressAdapter {
      this.app.get(entry.route, (_req, res, next) => {
        const { name, params } = entry.handler({ basePath: this.basePath, uiConfig: this.uiConfig });
        res.render(name, params, (error: Error | null, page: string) => {
          if (error === null) res.send(page.replaceAll(FOREIGN_FONTS, ''));
          else next(error);
        });
      });
      return this;
    }

    /* Bull Board would answer 500, and no log would say why. */
    override setErrorHandler(): this {
      return super.setErrorHandler(error => {
        throw error;
      });
    }
  }
  return new ReadOnlyAdapter().setBasePath(basePath);
}

const reading = (route: AppControllerRoute): AppControllerRoute => ({
  ...route,
  method: 'get',
  handler: async request => withinRedisBudget(Promise.resolve(route.handler(request))),
});

import { ServiceError } from '../../core/errors';
import type { EdgeGuard } from './edge-guard';

/**
 * A guard for calls that no web page has business with: every request that a browser sends for a page is refused,
 * whatever its origin. Programs send none of these headers.
 *
 * @throws ServiceError `forbidden_origin`, as `guard` does.
 */
export const programsOnly =
  (guard: EdgeGuard): EdgeGuard =>
  request => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (origin !== undefined || site !== undefined)
      throw new ServiceError('forbidden_origin', 'Requests from web pages are refused.');
    guard(request);
  };

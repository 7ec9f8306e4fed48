import type { RequestHandler } from 'express';
import { lazy } from '../../core/lazy';
import type { Authenticator } from '../edge/authenticator';
import { baseUrlOf } from '../edge/base-url';
import { pageHeaders, sendPage, text } from '../pages/html';
import { openApiDocument } from '../openapi/document';
import { documentPage } from '../openapi/page';
import { PAGE_SCRIPT, PAGE_STYLE } from '../openapi/page-parts';
import type { TimeoutPolicy } from '../../contract/schemas';

/*
 * The document takes tens of milliseconds of CPU to make. It is made at the first request, so that the start of the
 * process does not wait for it.
 */

/** `GET /openapi.json`: the document, with the limits of this installation. */
export function openApiRoute(policy: TimeoutPolicy): RequestHandler {
  const json = lazy(() => JSON.stringify(openApiDocument(policy)));
  return (_req, res) => {
    res.type('application/json').send(json());
  };
}

/** Dependencies of the page. */
export interface DocsRouteParts {
  readonly policy: TimeoutPolicy;
  readonly authenticator: Pick<Authenticator, 'needsKey'>;
  readonly publicUrl: string | null;
}

/** Placeholder for the base URL, in a page that is made once for all readers. */
const BASE_URL = 'http://base-url.invalid';

/** `GET /docs`: the same as one page, which loads nothing. Its examples use the host of the request. */
export function docsRoute({ policy, authenticator, publicUrl }: DocsRouteParts): RequestHandler {
  const { needsKey } = authenticator;
  const page = lazy(() => documentPage(openApiDocument(policy), { baseUrl: BASE_URL, needsKey }));
  const headers = pageHeaders({ style: PAGE_STYLE, script: PAGE_SCRIPT });
  return (req, res) => {
    const baseUrl = baseUrlOf(req, publicUrl);
    // As functions: in a string, `$` would be a pattern.
    const html = page()
      .replaceAll(BASE_URL, () => text(baseUrl))
      .replaceAll(BASE_URL.replace(/^http/, 'ws'), () => text(baseUrl.replace(/^http/, 'ws')));
    sendPage(res, headers, html);
  };
}

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
 * To make the document takes a tenth of a second of CPU: at the first request, not at the start of a process that callers
 * wait for.
 */

/** `GET /openapi.json`: the document, with the limits of this installation. */
export function openApiRoute(policy: TimeoutPolicy): RequestHandler {
  const json = lazy(() => JSON.stringify(openApiDocument(policy)));
  return (_req, res) => {
    res.type('application/json').send(json());
  };
}

/** What the page works with. */
export interface DocsRouteParts {
  readonly policy: TimeoutPolicy;
  readonly authenticator: Pick<Authenticator, 'needsKey'>;
  readonly publicUrl: string | null;
}

/** Stands for what a reader reaches us under, in a page that is made once for all of them. */
const BASE_URL = 'http://base-url.invalid';

/** `GET /docs`: the same as one page, which loads nothing. Its examples name the host that the reader has asked. */
export function docsRoute({ policy, authenticator, publicUrl }: DocsRouteParts): RequestHandler {
  const { needsKey } = authenticator;
  const page = lazy(() => documentPage(openApiDocument(policy), { baseUrl: BASE_URL, needsKey }));
  const headers = pageHeaders({ style: PAGE_STYLE, script: PAGE_SCRIPT });
  return (req, res) => {
    const baseUrl = baseUrlOf(req, publicUrl);
    // As functions: nothing in a replacement is a pattern.
    const html = page()
      .replaceAll(BASE_URL, () => text(baseUrl))
      .replaceAll(BASE_URL.replace(/^http/, 'ws'), () => text(baseUrl.replace(/^http/, 'ws')));
    sendPage(res, headers, html);
  };
}

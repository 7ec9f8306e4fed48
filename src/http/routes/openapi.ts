import { createHash } from 'node:crypto';
import type { RequestHandler } from 'express';
import { lazy } from '../../core/lazy';
import { openApiDocument } from '../openapi/document';
import { documentPage, PAGE_STYLE } from '../openapi/page';
import type { TimeoutPolicy } from '../schemas';

/*
 * To make the document takes a tenth of a second of CPU: at the first request, not at the start of a process that callers
 * wait for.
 */

/** `GET /openapi.json`: the document, with the limits of this installation. */
export function openApiRoute(policy: TimeoutPolicy): RequestHandler {
  const text = lazy(() => JSON.stringify(openApiDocument(policy)));
  return (_req, res) => {
    res.type('application/json').send(text());
  };
}

/** `GET /docs`: the same as one page, which loads nothing and runs nothing. */
export function docsRoute(policy: TimeoutPolicy): RequestHandler {
  const page = lazy(() => documentPage(openApiDocument(policy)));
  const style = createHash('sha256').update(PAGE_STYLE).digest('base64');
  const contentPolicy = [
    "default-src 'none'",
    `style-src 'sha256-${style}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_req, res) => {
    res
      .set({ 'Content-Security-Policy': contentPolicy, 'Referrer-Policy': 'no-referrer' })
      .type('html')
      .send(page());
  };
}

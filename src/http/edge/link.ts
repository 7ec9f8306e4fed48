import type { Request } from 'express';

/** The `Link` header of a page that is not the last: the same request from the cursor on. */
export function linkToNext(req: Request, parameter: string, cursor: string): string {
  const query = new URLSearchParams(req.originalUrl.slice(req.path.length + 1));
  query.set(parameter, cursor);
  return `<${req.path}?${query.toString()}>; rel="next"`;
}

import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { ServiceError } from '../../core/errors';

/** Largest body of most operations, bytes. */
export const BODY_MAX_BYTES = 262_144;

const DEPTH_MAX = 32;

/**
 * Reads the body of an operation: JSON objects and arrays only, of bounded size and depth. A request without a body
 * gets `{}`. Anything but `application/json` is refused: a web page can send that type to another origin only after a
 * CORS preflight.
 */
export function bodyReader(maxBytes = BODY_MAX_BYTES): RequestHandler[] {
  return [requireJson, express.json({ limit: maxBytes, strict: true, inflate: false }), checkBody];
}

function requireJson(req: Request, _res: Response, next: NextFunction): void {
  if (hasBody(req) && req.is('application/json') === false) {
    throw new ServiceError('unsupported_media_type', 'The body must be application/json.');
  }
  next();
}

/** Whether a request has a body that is not empty. */
export function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function checkBody(req: Request, _res: Response, next: NextFunction): void {
  const body: unknown = req.body ?? {};
  if (!isShallow(body)) {
    throw new ServiceError('malformed_request', `The body is nested more than ${DEPTH_MAX} levels deep.`);
  }
  req.body = body;
  next();
}

function isShallow(value: unknown, levelsLeft = DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levelsLeft > 0 && Object.values(value).every(inner => isShallow(inner, levelsLeft - 1));
}

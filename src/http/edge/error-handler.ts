import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { ServiceError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { BODY_MAX_BYTES } from './body';
import { codedError, problemAnswer, type ErrorAnswer } from './problem';
import { contextOf } from './request-context';

/** The last middleware: every error becomes an answer here, and only here. */
export function errorHandler(log: Logger, answerTo: ErrorAnswer = problemAnswer): ErrorRequestHandler {
  return (thrown: unknown, req: Request, res: Response, next: NextFunction) => {
    const error = ofExpress(thrown) ?? codedError(thrown);
    const { requestId } = contextOf(res);
    if (error.code === 'internal_error') log.error({ requestId, err: error.cause }, 'request failed');
    else if (error.status >= 500) log.debug({ requestId, err: error }, 'request failed');
    if (res.headersSent) {
      // Express' default handler cuts the connection, so that a client cannot take half an answer for a whole one.
      next(thrown);
      return;
    }
    const answer = answerTo(error, { requestId, path: req.path });
    res.status(answer.status).set(answer.headers).send(JSON.stringify(answer.body));
  };
}

/** Answers 405 to the methods that a path does not have. */
export function methodNotAllowed(...allowed: readonly string[]): (req: Request, res: Response) => void {
  return (req, res) => {
    res.set('Allow', allowed.join(', '));
    throw new ServiceError(
      'method_not_allowed',
      `${req.method} is not supported here. Use ${allowed.join(' or ')}.`,
    );
  };
}

/** Answers 404 to an unknown path. */
export function notFound(req: Request): never {
  throw new ServiceError('not_found', `There is no route ${req.path}.`);
}

/*
 * Errors of Express' router and body parser have a status, those of the body parser also a type (its README, "Errors").
 */
function ofExpress(thrown: unknown): ServiceError | null {
  if (!(thrown instanceof Error) || thrown instanceof ServiceError || !('status' in thrown)) return null;
  switch (thrown.status) {
    case 400:
      return new ServiceError('malformed_request', explain(thrown), { cause: thrown });
    case 413:
      return new ServiceError('body_too_large', tooLarge(thrown), { cause: thrown });
    case 415:
      return new ServiceError('unsupported_media_type', 'The body must be uncompressed JSON in UTF-8.', {
        cause: thrown,
      });
    default:
      return null;
  }
}

function tooLarge(error: Error): string {
  const limit = 'limit' in error && typeof error.limit === 'number' ? error.limit : BODY_MAX_BYTES;
  return `The body is larger than ${limit / 1_024} KiB.`;
}

function explain(error: Error): string {
  const type = 'type' in error ? error.type : undefined;
  if (type === 'entity.parse.failed') return 'The body is not valid JSON (an object or an array).';
  if (type === 'request.aborted' || type === 'request.size.invalid') return 'The body ended early.';
  return 'The request could not be parsed.';
}

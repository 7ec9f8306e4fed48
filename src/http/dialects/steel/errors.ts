import { ServiceError } from '../../../core/errors';
import { problemAnswer, type ErrorAnswer } from '../../edge/problem';

/**
 * Steel's SDKs show the top-level `message`, and repeat 408, 409, 429 and 5xx unless `x-should-retry` says otherwise;
 * both are part of every problem. They read only `application/json` as JSON.
 */
export const steelErrorAnswer: ErrorAnswer = (error, asked) => {
  const { status, headers, body } = problemAnswer(error, asked);
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body };
};

/** The error for a profile that does not exist. */
export const noSuchProfile = (): ServiceError =>
  new ServiceError('context_not_found', 'There is no such profile.');

/** The error for a file that does not exist. */
export const noSuchFile = (): ServiceError => new ServiceError('file_not_found', 'There is no such file.');

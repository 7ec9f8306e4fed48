import { problemAnswer, type ErrorAnswer } from '../../edge/problem';

/**
 * Steel's SDKs show the top-level `message`, and repeat 408, 409, 429 and 5xx unless `x-should-retry` says otherwise;
 * both are part of every problem. They read only `application/json` as JSON.
 */
export const steelErrorAnswer: ErrorAnswer = (error, asked) => {
  const { status, headers, body } = problemAnswer(error, asked);
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body };
};

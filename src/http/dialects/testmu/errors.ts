import { problemAnswer, type ErrorAnswer } from '../../edge/problem';

/** Its clients read `message` of `application/json`, and send HTTP Basic. */
export const testmuErrorAnswer: ErrorAnswer = (error, asked) => {
  const { status, headers, body } = problemAnswer(error, asked);
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="Holdfast", charset="UTF-8"' } : {};
  return { status, headers: { ...headers, 'content-type': 'application/json', ...challenge }, body };
};

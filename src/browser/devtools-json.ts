import { get, type IncomingMessage } from 'node:http';
import { withDeadline } from '../core/abort';
import { ServiceError, messageOf } from '../core/errors';
import type { Route } from './dial';

/** How long a browser may take to answer. */
const ANSWER_TIMEOUT_MS = 5_000;

/** The description of the whole protocol is below two megabytes. */
const ANSWER_MAX_BYTES = 16 * 2 ** 20;

/**
 * Reads from a browser's DevTools server over HTTP.
 *
 * @param route - to a part of the browser that begins with `/json/`
 * @throws ServiceError `browser_unreachable`.
 */
export async function readDevToolsJson({ direct: _direct, ...address }: Route): Promise<unknown> {
  const request = get({ ...address, agent: false });
  try {
    return await withDeadline('the browser', ANSWER_TIMEOUT_MS, answerTo(request));
  } catch (error) {
    throw new ServiceError('browser_unreachable', `The browser could not be read: ${messageOf(error)}.`, {
      cause: error,
    });
  } finally {
    request.destroy();
  }
}

async function answerTo(request: ReturnType<typeof get>): Promise<unknown> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    // Never removed: if the connection breaks later, the reader of the answer gets the error.
    request.on('error', reject);
  });
  if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode ?? 'nothing'}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  // SAFETY: without an encoding every chunk is a Buffer.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw new Error('its answer is too large');
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

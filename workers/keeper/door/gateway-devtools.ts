import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Answers with the JSON of a browser's DevTools server at a path.
 *
 * @throws when it does not answer, or breaks off.
 */
export async function sendDevToolsJson(port: number, path: string, response: ServerResponse): Promise<void> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false, signal }, resolve).on('error', reject);
  });
  response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
  await pipeline(answer, response);
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { getFromDevTools, type DevToolsAddress } from '../process/devtools';

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Answers with the JSON of a browser's DevTools server at a path.
 *
 * @throws when it does not answer, or breaks off.
 */
export async function sendDevToolsJson(
  devTools: DevToolsAddress,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    getFromDevTools(devTools, path, ANSWER_TIMEOUT_MS).on('response', resolve).on('error', reject);
  });
  response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
  await pipeline(answer, response);
}

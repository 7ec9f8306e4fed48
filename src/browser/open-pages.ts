import { request } from 'node:http';
import { z } from 'zod';
import { withDeadline } from '../core/abort';
import type { Route } from './dial';

/** A page that is open in a browser. */
export interface OpenPage {
  readonly id: string;
  readonly url: string;
  readonly title: string;
}

const ANSWER_TIMEOUT_MS = 1_000;

/** A page's title and URL are the page's own choice; this bounds what it can make us hold. */
const ANSWER_MAX_BYTES = 1_048_576;

/** What Chromium's `/json/list` says of each target (https://chromedevtools.github.io/devtools-protocol/, "HTTP Endpoints"). */
const targets = z.array(z.object({ id: z.string(), type: z.string(), url: z.string(), title: z.string() }));

/**
 * Asks a browser for its open pages over its own HTTP endpoint: unlike a CDP connection, that attaches to nothing and
 * is not noticed by the client.
 *
 * @param route - must be a direct one; a keeper's gateway carries upgrades only
 * @throws if the browser does not answer properly in time.
 */
export async function openPages(route: Route): Promise<OpenPage[]> {
  const abort = new AbortController();
  try {
    const text = await withDeadline(
      'listing pages',
      ANSWER_TIMEOUT_MS,
      get(route, '/json/list', abort.signal),
    );
    const answer = targets.parse(JSON.parse(text));
    return answer.filter(({ type }) => type === 'page').map(({ id, url, title }) => ({ id, url, title }));
  } finally {
    abort.abort();
  }
}

async function get({ host, port }: Route, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, signal, agent: false }, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES) response.destroy(new Error('the list of pages is too long'));
        else chunks.push(chunk);
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

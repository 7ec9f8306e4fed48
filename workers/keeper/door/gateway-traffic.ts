import type { ServerResponse } from 'node:http';
import { readTraffic } from '../companions/traffic-file';
import type { RunDirectory } from '../process/run-directory';

/** Answers with what has gone through the forward proxy of a browser, as JSON; null: it has none. */
export async function sendTraffic(
  { directory }: { readonly directory: Pick<RunDirectory, 'root' | 'name'> },
  response: ServerResponse,
): Promise<void> {
  const body = JSON.stringify({ traffic: await readTraffic(directory) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

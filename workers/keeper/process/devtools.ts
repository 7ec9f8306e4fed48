import { get } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { pollUntil } from '../../../src/core/abort';

/** Where a browser's DevTools server listens on this machine's loopback; port 0 means none, for the null browser. */
export interface DevToolsAddress {
  readonly port: number;
  /** `/devtools/browser/<guid>`; the guid is new for every start of a browser. */
  readonly path: string;
}

const ACCEPT_PATIENCE_MS = 5_000;

/**
 * Waits until the port takes connections.
 *
 * @throws DeadlineExceededError after five seconds, or the signal's reason.
 */
export async function waitForAccept(port: number, signal: AbortSignal): Promise<void> {
  const options = { timeoutMs: ACCEPT_PATIENCE_MS, everyMs: 5, signal };
  await pollUntil(`port ${port} to accept`, options, async () => ((await accepts(port)) ? true : undefined));
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** The browser-level path that the server on this port names now, or null if there is no answer in time. */
export function fetchDevToolsPath(port: number, timeoutMs: number): Promise<string | null> {
  return new Promise(resolve => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get(
      { host: '127.0.0.1', port, path: '/json/version', agent: false, signal },
      response => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('error', () => resolve(null));
        response.on('end', () =>
          resolve(/"ws:\/\/[^/"]+(\/devtools\/browser\/[^"]+)"/.exec(body)?.[1] ?? null),
        );
      },
    );
    request.on('error', () => resolve(null));
  });
}

/** Asks a browser to close itself; false if it could not even be asked within `timeoutMs`. */
export function closeOverDevTools({ port, path }: DevToolsAddress, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
    const timer = setTimeout(() => answer(false), timeoutMs);
    const answer = (asked: boolean): void => {
      clearTimeout(timer);
      resolve(asked);
      // Only the sending matters, not the reply; the browser cuts the connection when it ends.
      if (!asked) socket.terminate();
    };
    socket.on('error', () => answer(false));
    socket.on('open', () => {
      socket.send(JSON.stringify({ id: 1, method: 'Browser.close' }), error => answer(!error));
      setTimeout(() => socket.terminate(), timeoutMs).unref();
    });
  });
}

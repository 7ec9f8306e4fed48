import { get, type ClientRequest } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { pollUntil } from '../../../src/core/abort';

/** Where a browser's DevTools server listens; port 0 means nowhere, for the null browser. */
export interface DevToolsAddress {
  /** On the loopback of this machine, or of the browser's own network. */
  readonly port: number;
  /** `/devtools/browser/<guid>`; the guid is new for every start of a browser. */
  readonly path: string;
  /** The Unix socket that leads into the browser's own network; null: it is on the loopback of this machine. */
  readonly socket: string | null;
}

/** The options of a connection to a browser's DevTools server, for sockets and requests. All connections use them. */
export function devToolsOptions({ port, socket }: DevToolsAddress): ConnectOptions {
  return socket === null ? { host: '127.0.0.1', port } : { path: socket };
}

type ConnectOptions = { readonly host: string; readonly port: number } | { readonly path: string };

/** The value of the header `Host`: Chromium accepts only an IP address or `localhost`. */
export const devToolsHost = ({ port }: DevToolsAddress): string => `127.0.0.1:${port}`;

/** A connection to the browser-level socket. */
export function openDevTools(address: DevToolsAddress, maxPayload?: number): WebSocket {
  return new WebSocket(`ws://${devToolsHost(address)}${address.path}`, {
    perMessageDeflate: false,
    ...(maxPayload === undefined ? {} : { maxPayload }),
    createConnection: () => connect(devToolsOptions(address)),
  });
}

/** Asks the DevTools server for a path. */
export function getFromDevTools(address: DevToolsAddress, path: string, timeoutMs: number): ClientRequest {
  return get({
    path,
    headers: { host: devToolsHost(address) },
    createConnection: () => connect(devToolsOptions(address)),
    signal: AbortSignal.timeout(timeoutMs),
  });
}

const ACCEPT_PATIENCE_MS = 5_000;

/** Chromium's answer is below a kilobyte; a program in its place may send anything. */
const VERSION_MAX_LENGTH = 65_536;

/**
 * Waits until the server takes connections.
 *
 * @throws DeadlineExceededError after five seconds, or the signal's reason.
 */
export async function waitForAccept(address: DevToolsAddress, signal: AbortSignal): Promise<void> {
  const options = { timeoutMs: ACCEPT_PATIENCE_MS, everyMs: 5, signal };
  await pollUntil(`${address.socket ?? `port ${address.port}`} to accept`, options, async () =>
    (await accepts(address)) ? true : undefined,
  );
}

function accepts(address: DevToolsAddress): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(devToolsOptions(address));
    const answer = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** The browser-level path that the server there names now, or null if there is no answer in time. */
export function fetchDevToolsPath(address: DevToolsAddress, timeoutMs: number): Promise<string | null> {
  return new Promise(resolve => {
    const request = getFromDevTools(address, '/json/version', timeoutMs);
    request.on('response', response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > VERSION_MAX_LENGTH) response.destroy();
      });
      response.on('close', () => resolve(null));
      response.on('error', () => resolve(null));
      response.on('end', () =>
        resolve(/"ws:\/\/[^/"]+(\/devtools\/browser\/[^"]+)"/.exec(body)?.[1] ?? null),
      );
    });
    request.on('error', () => resolve(null));
  });
}

/** Asks a browser to close itself; false if it could not even be asked within `timeoutMs`. */
export function closeOverDevTools(address: DevToolsAddress, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = openDevTools(address);
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

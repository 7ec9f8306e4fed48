import type { WebSocket } from 'ws';
import { z } from 'zod';
import { withDeadline } from '../core/abort';
import { ServiceError, messageOf } from '../core/errors';
import { openWebSocket, type Route } from './dial';

/** How long a browser may take for all commands on one connection together. */
const ANSWER_TIMEOUT_MS = 5_000;

/** A Base64 screenshot of a large page is well below this. */
const MESSAGE_MAX_BYTES = 64 * 2 ** 20;

const message = z.object({
  id: z.int().default(0),
  /** Only an event has one. */
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
});

/** The browser has refused a command. */
export class CdpError extends Error {}

/** Calls a handler for every event of this name on the connection. */
export type OnCdpEvent = (
  method: string,
  handler: (params: Readonly<Record<string, unknown>>) => void,
) => void;

/** Sends one CDP command and returns its result; `sessionId` is the CDP session of an attached target. */
export type CdpCall = (method: string, params: object, sessionId?: string) => Promise<unknown>;

/**
 * Runs commands on a live browser over a separate connection, and disconnects at once. Raw CDP: a client library would
 * attach to every target and make new ones wait, which disturbs the session's own clients.
 *
 * @param timeoutMs - for everything together; default 5 000
 * @throws ServiceError `browser_unreachable` if the browser does not answer in time, or not properly; a ServiceError
 *   that `work` itself throws.
 */
export async function withBrowser<T>(
  route: Route,
  work: (call: CdpCall, onEvent: OnCdpEvent) => Promise<T>,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<T> {
  const socket = openWebSocket(route, { perMessageDeflate: false, maxPayload: MESSAGE_MAX_BYTES });
  try {
    return await withDeadline(
      'the browser',
      timeoutMs,
      opened(socket).then(({ call, onEvent }) => work(call, onEvent)),
    );
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError(
      'browser_unreachable',
      `The browser could not be controlled: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  } finally {
    socket.terminate();
  }
}

async function opened(socket: WebSocket): Promise<{ call: CdpCall; onEvent: OnCdpEvent }> {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  const handlers = new Map<string, Parameters<OnCdpEvent>[1]>();
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(error);
      for (const one of waiting.values()) one.reject(error);
    };
    socket.once('open', resolve);
    socket.on('error', fail);
    socket.once('close', () => fail(new Error('it closed the connection')));
  });
  socket.on('message', data => {
    // SAFETY: with the default binaryType every message is one Buffer.
    const answer = answerIn((data as Buffer).toString());
    if (answer.method !== undefined) handlers.get(answer.method)?.(answer.params);
    const one = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error === undefined) one?.resolve(answer.result);
    else one?.reject(new CdpError(answer.error.message));
  });
  let lastId = 0;
  const call: CdpCall = (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      const session = sessionId === undefined ? {} : { sessionId };
      socket.send(JSON.stringify({ id: lastId, method, params, ...session }));
    });
  return { call, onEvent: (method, handler) => void handlers.set(method, handler) };
}

/* Events and unreadable messages get the id 0, which no call waits for; the deadline ends a call without an answer. */
function answerIn(text: string): z.output<typeof message> {
  try {
    return message.parse(JSON.parse(text));
  } catch {
    return message.parse({});
  }
}

import { pause } from './cancellation';
import { HoldfastError, isHoldfastError } from './errors';
import { isWorthRepeating, retryDelayMs } from './retry-policy';
import type { SessionStatus, SessionTraffic } from './session';
import type { ContextSaveData } from './session-context';
import type { Transport } from './transport';

/** Options of an event stream. */
export interface EventsOptions {
  /** The `id` of the last known event. Default: only new events. */
  readonly after?: string | undefined;
  /** How often a lost connection is retried before the error is thrown. Default 2. */
  readonly maxRetries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An event of one of your sessions or contexts. `id` is its position in the stream. */
export type ServiceEvent =
  | {
      readonly type: 'transition';
      readonly id: string;
      readonly sessionId: string;
      readonly revision: number;
      readonly at: string;
      readonly event: string;
      readonly from: SessionStatus | null;
      readonly to: SessionStatus;
      /** Null while it has not ended. */
      readonly endReason: string | null;
    }
  /** The browser of an ended session is gone. */
  | {
      readonly type: 'closed';
      readonly id: string;
      readonly sessionId: string;
      /** What became of its context; null: nothing was to be saved. */
      readonly contextSave: ContextSaveData | null;
      /** What has gone through its forward proxy; null: it had none. */
      readonly traffic: SessionTraffic | null;
    }
  | {
      readonly type: 'context';
      readonly id: string;
      readonly contextId: string;
      readonly change: 'created' | 'updated' | 'deleted' | 'saved' | 'restored';
      readonly revision: number;
      readonly at: string;
      /** The version that was saved or restored; null for other changes. */
      readonly version: number | null;
      /** False: another session had saved meanwhile, and its version stays the current one. */
      readonly isCurrent: boolean | null;
    }
  /**
   * Events may have been missed: read the sessions again if you need their state. Its id is empty if the connection was
   * lost before it had one.
   */
  | { readonly type: 'reset'; readonly id: string };

/** The service sends a keep-alive every 15 s; a connection that misses two is dead, milliseconds. */
const SILENCE_MAX_MS = 45_000;

const RECONNECT_PAUSE_MS = 500;

/**
 * Follows `GET /v1/events`. A lost connection is opened again and continues after the last event.
 *
 * @throws HoldfastError when it cannot be opened (again); the signal's reason when it is aborted.
 */
export async function* followEvents(
  transport: Transport,
  { after, maxRetries = 2, signal }: EventsOptions,
): AsyncGenerator<ServiceEvent, never, undefined> {
  let lastId = after;
  for (let failures = 0, connections = 0; ; connections += 1) {
    try {
      // Events between two connections are lost if the first one never got an id.
      if (connections > 0 && lastId === undefined) yield { type: 'reset', id: '' };
      for await (const message of messages(transport, lastId, signal)) {
        failures = 0;
        if (message.id !== '') lastId = message.id;
        const event = eventOf(message);
        if (event !== null) yield event;
      }
      // The process that answered is shutting down; another one will continue.
      await pause(RECONNECT_PAUSE_MS, signal);
    } catch (error) {
      if (!isHoldfastError(error) || !isWorthRepeating(error) || failures >= maxRetries) throw error;
      await pause(retryDelayMs(error, failures), signal);
      failures += 1;
    }
  }
}

/** A block of a stream of server-sent events; without data it is a keep-alive. */
interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

async function* messages(
  transport: Transport,
  lastId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message, void, undefined> {
  const connection = new AbortController();
  const disconnect = (): void => connection.abort(signal?.reason);
  if (signal?.aborted === true) disconnect();
  signal?.addEventListener('abort', disconnect, { once: true });
  const silence = (): void =>
    connection.abort(
      new HoldfastError('request_timeout', 'The event stream sent nothing in time.', { retryable: true }),
    );
  let timer = setTimeout(silence, SILENCE_MAX_MS);
  try {
    for await (const block of blocks(await open(transport, lastId, connection.signal))) {
      clearTimeout(timer);
      timer = setTimeout(silence, SILENCE_MAX_MS);
      yield parse(block);
    }
  } catch (error) {
    connection.signal.throwIfAborted();
    throw isHoldfastError(error)
      ? error
      : new HoldfastError('connection_failed', 'The event stream was interrupted.', {
          retryable: true,
          cause: error,
        });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', disconnect);
    // Also when the consumer stops early: no other code closes the connection.
    connection.abort();
  }
}

async function open(
  transport: Transport,
  lastId: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  };
  const { body } = await transport.open({ method: 'GET', path: '/v1/events', headers, signal });
  if (body !== null) return body;
  throw new HoldfastError('unexpected_answer', 'The event stream has no body.');
}

/* With a reader, since not every runtime can iterate over a stream. */
async function* blocks(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const parts = (text + decoder.decode(read.value, { stream: true })).split('\n\n');
    text = parts.pop() ?? '';
    yield* parts;
  }
}

/* WHATWG HTML, section 9.2.6, as far as the service uses it: one line of data. */
function parse(block: string): Message {
  const fields = new Map(
    block.split('\n').flatMap(line => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trimStart()] as const] : [];
    }),
  );
  return { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: fields.get('data') ?? '' };
}

const EVENT_TYPES: readonly ServiceEvent['type'][] = ['transition', 'closed', 'context', 'reset'];

function eventOf({ event, id, data }: Message): ServiceEvent | null {
  if (!EVENT_TYPES.some(type => type === event)) return null;
  // SAFETY: the service sends the members of the type; later versions may add members.
  return { ...(JSON.parse(data) as object), type: event, id } as ServiceEvent;
}

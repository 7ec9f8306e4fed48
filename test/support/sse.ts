import { pollUntil } from './poll-until';

/** An event, as a reader gets it. */
export interface ReadEvent {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** A reader of server-sent events. */
export interface EventReader {
  readonly response: Response;
  /** All events that have come, in order. */
  readonly events: readonly ReadEvent[];
  /** The id of the last event or keep-alive: the place to go on from. */
  readonly lastEventId: string;
  /** Resolves when this many events have come. */
  atLeast(count: number, timeoutMs?: number): Promise<readonly ReadEvent[]>;
  /** Resolves when the server has ended the stream. */
  ended(timeoutMs?: number): Promise<void>;
  /** Closes the connection. */
  stop(): Promise<void>;
}

/** Opens a stream and reads it until it ends or is stopped. */
export async function readEvents(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const events: ReadEvent[] = [];
  let lastEventId = '';
  let isOver = false;
  const take = (block: string): void => {
    const fields = new Map(
      block
        .split('\n')
        .filter(line => !line.startsWith(':'))
        .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    lastEventId = fields.get('id') ?? lastEventId;
    const data = fields.get('data');
    if (data === undefined) return;
    // SAFETY: every event of the service carries an object.
    const parsed = JSON.parse(data) as Record<string, unknown>;
    events.push({ event: fields.get('event') ?? 'message', id: lastEventId, data: parsed });
  };
  const reading = (async () => {
    let rest = '';
    try {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        blocks.forEach(take);
      }
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    } finally {
      isOver = true;
    }
  })();
  // The caller that waits for the end gets the error there.
  reading.catch(() => undefined);
  return {
    response,
    events,
    get lastEventId() {
      return lastEventId;
    },
    atLeast: (count, timeoutMs = 5_000) =>
      pollUntil(`${count} events`, { timeoutMs, everyMs: 5 }, () =>
        events.length >= count ? events : undefined,
      ),
    ended: async (timeoutMs = 5_000) => {
      await pollUntil('the end of the stream', { timeoutMs, everyMs: 5 }, () => isOver || undefined);
      await reading;
    },
    stop: async () => {
      abort.abort();
      await reading.catch(() => undefined);
    },
  };
}

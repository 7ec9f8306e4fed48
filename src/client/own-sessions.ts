import { nodeProcess, type NodeProcess } from './environment';

/** What a process does before a signal ends it. */
type Farewell = () => Promise<unknown>;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** All that say farewell when a signal comes; there is one listener per signal for them together. */
const farewells = new Set<Farewell>();

let stopListening: (() => void) | null = null;

/**
 * What this process has made and not yet seen end. With `onSignal` it is ended at SIGINT and SIGTERM; the signal then ends
 * the process as it would have, unless somebody else listens to it. A second signal does not wait.
 */
export class OwnSessions {
  readonly #ids = new Set<string>();
  readonly #creations = new Map<AbortController, Promise<unknown>>();
  readonly #abandoned = new Set<Promise<unknown>>();
  readonly #farewell: Farewell = () => this.#endAll();

  constructor(
    private readonly release: (id: string) => Promise<unknown>,
    private readonly onSignal: boolean,
  ) {}

  /** It is ours now. */
  add(id: string): void {
    // Nobody would ever ask for them, and those that end by themselves would stay.
    if (!this.onSignal) return;
    this.#ids.add(id);
    this.#watch();
  }

  /** It has ended. */
  delete(id: string): void {
    this.#ids.delete(id);
    this.#watch();
  }

  /** Something that may make a session: aborted when a signal comes. */
  async during<T>(creation: AbortController, work: Promise<T>): Promise<T> {
    this.#creations.set(creation, work);
    this.#watch();
    try {
      return await work;
    } finally {
      this.#creations.delete(creation);
      this.#watch();
    }
  }

  /** Something nobody waits for, but that a signal should not cut off. Never rejects into the void. */
  abandon(work: Promise<unknown>): void {
    const quiet = work
      // What could not be ended here is ended by the service, by its time-outs.
      .catch(() => undefined)
      .finally(() => {
        this.#abandoned.delete(quiet);
        this.#watch();
      });
    this.#abandoned.add(quiet);
    this.#watch();
  }

  #watch(): void {
    if (!this.onSignal) return;
    const isIdle = this.#ids.size + this.#creations.size + this.#abandoned.size === 0;
    if (isIdle) farewells.delete(this.#farewell);
    else farewells.add(this.#farewell);
    listenWhileNeeded();
  }

  async #endAll(): Promise<void> {
    for (const creation of this.#creations.keys()) creation.abort(new Error('the process is told to end'));
    // First these: what they give up is abandoned, what they were just done with is ours.
    await Promise.allSettled(this.#creations.values());
    // A failure is not in the way of the others; the service ends what is left by its time-outs.
    await Promise.allSettled([...this.#abandoned, ...[...this.#ids].map(id => this.release(id))]);
  }
}

function listenWhileNeeded(): void {
  const host = nodeProcess();
  if (host === undefined) return;
  if (farewells.size === 0) {
    stopListening?.();
    stopListening = null;
    return;
  }
  if (stopListening !== null) return;
  const listeners = SIGNALS.map(signal => [signal, () => void leave(host, signal)] as const);
  for (const [signal, listener] of listeners) host.on(signal, listener);
  stopListening = () => listeners.forEach(([signal, listener]) => host.off(signal, listener));
}

async function leave(host: NodeProcess, signal: string): Promise<void> {
  const leaving = [...farewells];
  farewells.clear();
  listenWhileNeeded();
  await Promise.allSettled(leaving.map(farewell => farewell()));
  if (host.listenerCount(signal) === 0) host.kill(host.pid, signal);
}

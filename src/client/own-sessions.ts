import { nodeProcess, type NodeProcess } from './environment';

/** Clean-up of a client before a signal ends the process. */
type CleanUp = () => Promise<unknown>;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** The clean-ups of all clients; they share one listener for each signal. */
const cleanUps = new Set<CleanUp>();

let stopListening: (() => void) | null = null;

/**
 * The sessions that this process has created and not yet seen end. With `onSignal` they are released at SIGINT and
 * SIGTERM; after that the signal ends the process as usual, unless another listener handles it. A second signal does
 * not wait.
 */
export class OwnSessions {
  readonly #ids = new Set<string>();
  readonly #creations = new Map<AbortController, Promise<unknown>>();
  readonly #abandoned = new Set<Promise<unknown>>();
  readonly #cleanUp: CleanUp = () => this.#endAll();

  constructor(
    private readonly release: (id: string) => Promise<unknown>,
    private readonly onSignal: boolean,
  ) {}

  /** Remembers a session. */
  add(id: string): void {
    // Without `onSignal` the ids are never used, and those of sessions that end by themselves would accumulate.
    if (!this.onSignal) return;
    this.#ids.add(id);
    this.#watch();
  }

  /** Forgets a session that has ended. */
  delete(id: string): void {
    this.#ids.delete(id);
    this.#watch();
  }

  /** Runs a creation, which is aborted when a signal comes. */
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

  /** Registers background work that a signal should not cut off. Its rejection is handled here. */
  abandon(work: Promise<unknown>): void {
    const quiet = work
      // The service ends what could not be released, by its time-outs.
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
    if (isIdle) cleanUps.delete(this.#cleanUp);
    else cleanUps.add(this.#cleanUp);
    listenWhileNeeded();
  }

  async #endAll(): Promise<void> {
    for (const creation of this.#creations.keys())
      creation.abort(new Error('the process has received a signal to end'));
    // Creations first: each then either has abandoned its session or has added it to the list.
    await Promise.allSettled(this.#creations.values());
    // A failure does not affect the others; the service ends the remaining sessions by its time-outs.
    await Promise.allSettled([...this.#abandoned, ...[...this.#ids].map(id => this.release(id))]);
  }
}

function listenWhileNeeded(): void {
  const host = nodeProcess();
  if (host === undefined) return;
  if (cleanUps.size === 0) {
    stopListening?.();
    stopListening = null;
    return;
  }
  if (stopListening !== null) return;
  const listeners = SIGNALS.map(signal => [signal, () => void runCleanUps(host, signal)] as const);
  for (const [signal, listener] of listeners) host.on(signal, listener);
  stopListening = () => listeners.forEach(([signal, listener]) => host.off(signal, listener));
}

async function runCleanUps(host: NodeProcess, signal: string): Promise<void> {
  const pending = [...cleanUps];
  cleanUps.clear();
  listenWhileNeeded();
  await Promise.allSettled(pending.map(cleanUp => cleanUp()));
  if (host.listenerCount(signal) === 0) host.kill(host.pid, signal);
}

import { pause } from '../core/abort';
import type { Clock } from '../core/clock';
import { SilenceWatch } from '../core/silence-watch';
import type { Patience } from './roles';

/** Receives the signs of life of a process. */
export interface SignsListener {
  readonly heard: () => void;
  /** How long an answer may take. */
  readonly silentMs: number;
  /** Aborted when the watch has ended. */
  readonly over: AbortSignal;
}

/**
 * Watches one run of a process: it has some time to start, then it must give signs of life regularly. Time in which the
 * supervisor itself was stalled does not count (see {@link SilenceWatch}).
 */
export class VitalSigns {
  readonly #starting: SilenceWatch;
  readonly #running: SilenceWatch;
  #heard = false;
  #stopped = false;

  /** @param onSilent - called with the length of the silence; repeatedly until the watch is stopped */
  constructor(clock: Clock, { startMs, silentMs }: Patience, onSilent: (silentForMs: number) => void) {
    this.#starting = new SilenceWatch(clock, startMs, () => onSilent(startMs));
    this.#running = new SilenceWatch(clock, silentMs, () => onSilent(silentMs));
  }

  /** @param isStarting - false for an adopted process, which gets no time to start */
  watch(isStarting: boolean): void {
    if (isStarting) this.#starting.start();
    else this.#nowRunning();
  }

  /** Reports a sign of life of the process. */
  heard(): void {
    // Messages of a process may arrive after its exit.
    if (this.#stopped) return;
    if (this.#heard) this.#running.reset();
    else this.#nowRunning();
  }

  stop(): void {
    this.#stopped = true;
    this.#starting.stop();
    this.#running.stop();
  }

  #nowRunning(): void {
    this.#heard = true;
    this.#starting.stop();
    this.#running.start();
  }
}

const ASK_EVERY_MS = 1_000;
const ASK_AT_START_EVERY_MS = 100;

/** Asks a process for signs of life, one request at a time. `ask` answers whether there was one. */
export async function askForSigns(
  ask: () => Promise<boolean>,
  { heard, over }: SignsListener,
): Promise<void> {
  let everyMs = ASK_AT_START_EVERY_MS;
  while (!over.aborted) {
    if ((await ask()) && !over.aborted) {
      heard();
      everyMs = ASK_EVERY_MS;
    }
    await pause(everyMs, over);
  }
}

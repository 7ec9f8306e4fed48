import { pause } from '../core/abort';
import type { Clock } from '../core/clock';
import { SilenceWatch } from '../core/silence-watch';
import type { SignsListener } from './kept-process';
import type { Patience } from './roles';

/**
 * Watches one life of a process: it has some time to start, then it must give a sign of life again and again. Time in
 * which the supervisor itself did not run is held against nobody (see {@link SilenceWatch}).
 */
export class VitalSigns {
  readonly #starting: SilenceWatch;
  readonly #running: SilenceWatch;
  #heard = false;
  #stopped = false;

  /** @param onSilent - told for how long nothing was heard; again and again until the watch is stopped */
  constructor(clock: Clock, { startMs, silentMs }: Patience, onSilent: (silentForMs: number) => void) {
    this.#starting = new SilenceWatch(clock, startMs, () => onSilent(startMs));
    this.#running = new SilenceWatch(clock, silentMs, () => onSilent(silentMs));
  }

  /** @param isStarting - false for a process that was there before: it has no time to start any more */
  watch(isStarting: boolean): void {
    if (isStarting) this.#starting.start();
    else this.#nowRunning();
  }

  /** The process has given a sign of life. */
  heard(): void {
    // Messages of a process may arrive after its exit.
    if (this.#stopped) return;
    if (this.#heard) this.#running.heard();
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

/** Asks a process for signs of life, one question at a time. `ask` answers whether there was one. */
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

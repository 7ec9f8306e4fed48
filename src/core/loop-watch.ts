import type { Clock } from './clock';
import type { Logger } from './logger';

/** Rarely, because an idle process should not wake up more often than it has to. */
const LOOK_EVERY_MS = 500;

/** A look that is later than that shows that the event loop stood still. */
const STILL_MS = 1_000;

/** At most one line in this time: a process that is starved would fill the log of its machine. */
const TELL_EVERY_MS = 60_000;

/** Dependencies of {@link watchLoop}. */
export interface LoopWatchParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * Says in the log when the event loop of this process stood still for more than a second: nothing was answered, renewed
 * or watched meanwhile. It was stopped, had no processor, or did something that takes too long. Does not keep the
 * process alive; returns a function that ends the watch.
 */
export function watchLoop({ clock, log }: LoopWatchParts): () => void {
  let lookedAtMs = clock.monotonicMs();
  let toldAtMs = -Infinity;
  let untold = 0;
  const look = (): void => {
    const nowMs = clock.monotonicMs();
    const stillMs = Math.round(nowMs - lookedAtMs - LOOK_EVERY_MS);
    lookedAtMs = nowMs;
    if (stillMs <= STILL_MS) return;
    if (nowMs - toldAtMs < TELL_EVERY_MS) {
      untold += 1;
      return;
    }
    log.warn({ stillMs, untold }, 'the event loop of this process stood still');
    [toldAtMs, untold] = [nowMs, 0];
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

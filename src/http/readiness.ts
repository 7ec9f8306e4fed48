import { pause } from '../core/abort';
import type { Clock } from '../core/clock';
import { messageOf } from '../core/errors';
import { randomId } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Waiters } from '../engine/waiters';
import type { Producer } from '../queue/producer';
import type { NoticeStream } from '../store/notice-stream';

/** How long one probe may take. */
const PROBE_TIMEOUT_MS = 2_000;

/** A successful probe counts for this long; must exceed interval and time-out of the next one together. */
const PROBE_COUNTS_MS = 4_500;

/** The tail blocks for 5 s at most; if it is silent for longer, it is broken. */
const NOTICES_SILENT_MS = 7_000;

const PROBE_EVERY_MS = 1_500;
const RETRY_EVERY_MS = 300;

/** Why this process is, or is not, ready: each check by name. */
export interface ReadinessReport {
  /** Whether a command goes through queue, consumer and notices and comes back. */
  readonly commands: 'ok' | 'failing';
  readonly notices: 'ok' | 'silent';
  readonly lifecycle: 'ok' | 'draining';
}

/** Dependencies of {@link Readiness}. */
export interface ReadinessParts {
  readonly producer: Pick<Producer, 'sendCommand'>;
  readonly waiters: Pick<Waiters, 'outcome'>;
  readonly notices: Pick<NoticeStream, 'silentForMs'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Checks whether this process can serve, by repeatedly sending a harmless command through the whole path. A PING would
 * only prove that Redis answers, not that a release takes effect.
 */
export class Readiness {
  #aliveAtMs = -Infinity;
  #draining = false;
  #running: Promise<void> | null = null;
  readonly #stop = new AbortController();

  constructor(private readonly parts: ReadinessParts) {}

  /** Starts to probe; resolves after the first probe, successful or not. */
  async start(): Promise<void> {
    const firstCameBack = await this.#probe();
    this.#running = this.#keepProbing(firstCameBack);
  }

  /** Reports the process as not ready from now on, because it shuts down. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops probing. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The current result of the checks. */
  report(): ReadinessReport {
    const { clock, notices } = this.parts;
    return {
      commands: clock.monotonicMs() - this.#aliveAtMs <= PROBE_COUNTS_MS ? 'ok' : 'failing',
      notices: notices.silentForMs <= NOTICES_SILENT_MS ? 'ok' : 'silent',
      lifecycle: this.#draining ? 'draining' : 'ok',
    };
  }

  async #keepProbing(firstCameBack: boolean): Promise<void> {
    let cameBack = firstCameBack;
    while (!this.#stop.signal.aborted) {
      const everyMs = cameBack ? PROBE_EVERY_MS : RETRY_EVERY_MS;
      // Jittered, so that the probes of many processes do not coincide.
      await pause(everyMs * (0.75 + Math.random() * 0.5), this.#stop.signal);
      if (!this.#stop.signal.aborted) cameBack = await this.#probe();
    }
  }

  async #probe(): Promise<boolean> {
    const { producer, waiters, clock, log } = this.parts;
    const commandId = `probe.${randomId()}`;
    const outcome = waiters.outcome(commandId);
    const sentMs = clock.monotonicMs();
    try {
      await producer.sendCommand({ v: 1, command: 'probe', commandId });
      const cameBack = await outcome.settled(PROBE_TIMEOUT_MS);
      if (cameBack) this.#aliveAtMs = sentMs;
      return cameBack;
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'probe failed');
      return false;
    } finally {
      outcome.stop();
    }
  }
}

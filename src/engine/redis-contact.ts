import type { Clock } from '../core/clock';
import { LEASE_MS } from '../store/lease-store';
import type { MaintenanceStore } from '../store/maintenance-store';

/**
 * How far Redis `TIME` and the monotonic clock of this process may drift apart before what is missing in Redis proves
 * nothing.
 */
const DRIFT_MAX_MS = 1_000;

/** One moment by both clocks. */
export interface Moment {
  /** Redis `TIME`. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Dependencies of {@link RedisContact}. */
export interface RedisContactParts {
  readonly maintenance: Pick<MaintenanceStore, 'nowMs' | 'serverRunId'>;
  readonly clock: Clock;
}

/**
 * Whether what other processes have not written to Redis proves something. It does if this process has been in contact
 * with this one Redis process for longer than a lease, while Redis' clock ran like its own: otherwise the others could
 * not write either.
 */
export class RedisContact {
  #sinceMs: number | null = null;
  #lastLookMs = 0;
  #clockOffsetMs: number | null = null;
  #runId: string | null = null;

  constructor(private readonly parts: RedisContactParts) {}

  /**
   * Looks at Redis; to be called about once a second.
   *
   * @returns the time if the contact has been long enough, else null
   * @throws what Redis throws while it is away.
   */
  async prove(): Promise<Moment | null> {
    const { maintenance, clock } = this.parts;
    const [nowMs, runId] = await Promise.all([maintenance.nowMs(), maintenance.serverRunId()]).catch(
      (error: unknown) => {
        this.lost();
        throw error;
      },
    );
    const monotonicMs = clock.monotonicMs();
    const offsetMs = nowMs - monotonicMs;
    const frozen = monotonicMs - this.#lastLookMs > LEASE_MS / 2;
    const drifted = this.#clockOffsetMs !== null && Math.abs(offsetMs - this.#clockOffsetMs) > DRIFT_MAX_MS;
    const restarted = this.#runId !== runId;
    this.#lastLookMs = monotonicMs;
    this.#clockOffsetMs = offsetMs;
    this.#runId = runId;
    if (this.#sinceMs === null || drifted || frozen || restarted) this.#sinceMs = monotonicMs;
    return monotonicMs - this.#sinceMs > LEASE_MS ? { nowMs, monotonicMs } : null;
  }

  /** Forgets how long Redis was reachable; called when the connection is lost. */
  lost(): void {
    this.#sinceMs = null;
    this.#clockOffsetMs = null;
  }
}

import { messageOf } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import type { Logger } from '../../core/logger';
import type { ActivityStore } from '../../store/activity-store';
import type { MaintenanceStore } from '../../store/maintenance-store';

const BEAT_EVERY_MS = 3_000;

/** Changes within this time are written together. */
const SOON_MS = 50;

/** Dependencies of {@link ClientHeartbeat}. */
export interface ClientHeartbeatParts {
  readonly processId: string;
  readonly activity: Pick<ActivityStore, 'heartbeat' | 'depart'>;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly clients: () => ReadonlyMap<SessionRef, number>;
  readonly log: Logger;
}

/** Writes to Redis which clients this process carries: every few seconds, and soon after a change. */
export class ClientHeartbeat {
  #interval: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;
  #beating: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(private readonly parts: ClientHeartbeatParts) {}

  /** Starts the heartbeat. */
  start(): void {
    this.#interval = setInterval(() => this.#beat(), BEAT_EVERY_MS);
    this.#beat();
  }

  /** The clients have changed. */
  soon(): void {
    if (this.#stopped) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      this.#beat();
    }, SOON_MS);
  }

  /** Stops, and removes this process' clients from the count at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#interval !== null) clearInterval(this.#interval);
    if (this.#soon !== null) clearTimeout(this.#soon);
    await this.#beating;
    // Without Redis the entry expires by itself a few seconds later.
    await this.parts.activity.depart(this.parts.processId).catch(() => undefined);
  }

  #beat(): void {
    if (this.#beating !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#beating = this.#beatOnce().finally(() => {
      this.#beating = null;
      if (this.#again && !this.#stopped) this.soon();
    });
  }

  async #beatOnce(): Promise<void> {
    const { activity, maintenance, processId, clients, log } = this.parts;
    try {
      await activity.heartbeat(processId, await maintenance.nowMs(), clients());
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'heartbeat failed');
    }
  }
}

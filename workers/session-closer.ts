import type { SessionRef } from '../src/core/ids';
import type { Logger } from '../src/core/logger';
import type { ClosingStore } from '../src/store/closing-store';
import type { KeeperClient } from './keeper-client';
import type { WorkerExporter } from './worker-exporter';

/** Longer than the keeper's whole ladder. */
const CLOSE_TIMEOUT_MS = 15_000;

/** What {@link SessionCloser} works with. */
export interface SessionCloserParts {
  readonly keeper: KeeperClient;
  readonly closing: ClosingStore;
  /** Told of every claim before the keeper is; what is not started yet must not be any more. */
  readonly beforeClose: (claimId: string) => void;
  readonly exporter: Pick<WorkerExporter, 'browserGone'>;
  readonly log: Logger;
}

/** Pays the obligation of an ended session: has the keeper end its browser, then says that it is gone (I7). */
export class SessionCloser {
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(private readonly parts: SessionCloserParts) {}

  /** Closes one browser; a second order for the same claim joins the first. Failures are left to the next drain. */
  close(ref: SessionRef, claimId: string): Promise<void> {
    const known = this.#underWay.get(claimId);
    if (known !== undefined) return known;
    this.parts.beforeClose(claimId);
    const work = this.#close(ref, claimId)
      .catch((error: unknown) =>
        this.parts.log.warn({ session: ref, err: error }, 'closing will be tried again'),
      )
      .finally(() => this.#underWay.delete(claimId));
    this.#underWay.set(claimId, work);
    return work;
  }

  /** Closes everything that is owed by this worker, e.g. orders that were missed. */
  async drain(workerId: string): Promise<void> {
    const owed = (await this.parts.closing.all()).filter(entry => entry.workerId === workerId);
    await Promise.all(owed.map(entry => this.close(entry.ref, entry.claimId)));
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #close(ref: SessionRef, claimId: string): Promise<void> {
    const { keeper, closing, exporter } = this.parts;
    await keeper.call('close', { ref, claimId }, { timeoutMs: CLOSE_TIMEOUT_MS });
    const afterMs = await closing.acknowledge(ref, claimId);
    if (afterMs !== null) exporter.browserGone(afterMs);
    await keeper.call('forget', { ref, claimId }, { timeoutMs: CLOSE_TIMEOUT_MS });
  }
}

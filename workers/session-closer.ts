import type { SessionRef } from '../src/core/ids';
import type { Logger } from '../src/core/logger';
import type { ClosingStore } from '../src/store/closing-store';
import type { KeeperClient } from './keeper-client';

/** Longer than the keeper's whole ladder. */
const CLOSE_TIMEOUT_MS = 15_000;

/** Pays the obligation of an ended session: has the keeper end its browser, then says that it is gone (I7). */
export class SessionCloser {
  readonly #underWay = new Map<string, Promise<void>>();

  /** @param beforeClose - told of every claim before the keeper is; what is not started yet must not be any more */
  constructor(
    private readonly keeper: KeeperClient,
    private readonly closing: ClosingStore,
    private readonly beforeClose: (claimId: string) => void,
    private readonly log: Logger,
  ) {}

  /** Closes one browser; a second order for the same claim joins the first. Failures are left to the next drain. */
  close(ref: SessionRef, claimId: string): Promise<void> {
    const known = this.#underWay.get(claimId);
    if (known !== undefined) return known;
    this.beforeClose(claimId);
    const work = this.#close(ref, claimId)
      .catch((error: unknown) => this.log.warn({ session: ref, err: error }, 'closing will be tried again'))
      .finally(() => this.#underWay.delete(claimId));
    this.#underWay.set(claimId, work);
    return work;
  }

  /** Closes everything that is owed by this worker, e.g. orders that were missed. */
  async drain(workerId: string): Promise<void> {
    const owed = (await this.closing.all()).filter(entry => entry.workerId === workerId);
    await Promise.all(owed.map(entry => this.close(entry.ref, entry.claimId)));
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #close(ref: SessionRef, claimId: string): Promise<void> {
    await this.keeper.call('close', { ref, claimId }, { timeoutMs: CLOSE_TIMEOUT_MS });
    await this.closing.acknowledge(ref, claimId);
    await this.keeper.call('forget', { ref, claimId }, { timeoutMs: CLOSE_TIMEOUT_MS });
  }
}

import type { Capacity } from '../client/fleet';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { WorkerRecord, WorkerStore } from '../store/worker-store';

/** A worker at one moment of Redis `TIME`. */
export interface FoundWorker extends WorkerRecord {
  /** Whether its lease holds. */
  readonly isAlive: boolean;
}

/** Lists the workers. */
export type ListWorkers = () => Promise<readonly FoundWorker[]>;

/** Reads the capacity of the installation. */
export type GetCapacity = () => Promise<Capacity>;

/** Dependencies of {@link listWorkers} and {@link getCapacity}. */
export interface ListWorkersParts {
  readonly workers: Pick<WorkerStore, 'list' | 'queuedSessions'>;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
}

/** @throws what Redis throws while it is away. */
export function listWorkers({ workers, maintenance }: ListWorkersParts): ListWorkers {
  return async () => {
    const [nowMs, found] = await Promise.all([maintenance.nowMs(), workers.list()]);
    return found.map(worker => ({
      ...worker,
      isAlive: worker.leaseExpiresAtMs !== null && worker.leaseExpiresAtMs > nowMs,
    }));
  };
}

/** @throws what Redis throws while it is away. */
export function getCapacity(parts: ListWorkersParts): GetCapacity {
  const list = listWorkers(parts);
  return async () => {
    const [all, queued] = await Promise.all([list(), parts.workers.queuedSessions()]);
    return capacityOf(all, queued);
  };
}

/** The capacity, from the workers and the number of queued sessions. */
export function capacityOf(found: readonly FoundWorker[], queued: number): Capacity {
  const alive = found.filter(({ isAlive }) => isAlive);
  const draining = alive.filter(worker => worker.draining);
  const slots = sum(alive, 'slots');
  const used = sum(alive, 'used');
  const free = Math.max(0, slots - used - (sum(draining, 'slots') - sum(draining, 'used')));
  return {
    slots,
    used,
    free,
    warm: sum(alive, 'warm'),
    asleep: sum(alive, 'asleep'),
    queued,
    workers: alive.length,
    drainingWorkers: draining.length,
    isAvailable: free > queued,
  };
}

const sum = (workers: readonly WorkerRecord[], what: 'slots' | 'used' | 'warm' | 'asleep'): number =>
  workers.reduce((total, { info }) => total + (info?.[what] ?? 0), 0);

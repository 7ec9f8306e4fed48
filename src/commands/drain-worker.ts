import { HoldfastError } from '../core/errors';
import type { WorkerStore } from '../store/worker-store';

/** Has a worker launch nothing any more (`drained`), or launch again. */
export type DrainWorker = (workerId: string, drained: boolean) => Promise<void>;

/**
 * Drains workers for maintenance: what is live there stays until it ends by itself, nothing new begins. It is a
 * property of the machine, not of the process that happens to run there: it outlives every restart.
 *
 * @throws HoldfastError `worker_not_found`; what Redis throws while it is away.
 */
export function drainWorker(workers: Pick<WorkerStore, 'exists' | 'setDrained'>): DrainWorker {
  return async (workerId, drained) => {
    if (!(await workers.exists(workerId))) {
      throw new HoldfastError('worker_not_found', 'There is no such worker.');
    }
    await workers.setDrained(workerId, drained);
  };
}

import type { WorkerStore } from '../store/worker-store';
import { workerNotFound } from '../engine/not-found';

/** Makes a worker stop launching (`drained`), or launch again. */
export type DrainWorker = (workerId: string, drained: boolean) => Promise<void>;

/**
 * Drains workers for maintenance: live sessions stay until they end by themselves, and none is launched. The drained
 * state belongs to the machine, not to its current process: it outlives every restart.
 *
 * @throws ServiceError `worker_not_found`; what Redis throws while it is away.
 */
export function drainWorker(workers: Pick<WorkerStore, 'exists' | 'setDrained'>): DrainWorker {
  return async (workerId, drained) => {
    if (!(await workers.exists(workerId))) {
      throw workerNotFound();
    }
    await workers.setDrained(workerId, drained);
  };
}

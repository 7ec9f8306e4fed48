import type { Request, RequestHandler } from 'express';
import type { Worker } from '../../client/fleet';
import type { RecordAudit } from '../../commands/record-audit';
import type { DrainWorker } from '../../commands/drain-worker';
import { SESSION_ID_PATTERN } from '../../core/ids';
import { workerNotFound } from '../../engine/not-found';
import type { FoundWorker, GetCapacity, ListWorkers } from '../../queries/list-workers';
import { withinRedisBudget } from '../edge/redis-budget';
import { auditRequest } from './audit';
import { isoOrNull } from '../../contract/times';

/** Dependencies of the routes. */
export interface WorkerRouteParts {
  readonly listWorkers: ListWorkers;
  readonly drainWorker: DrainWorker;
  readonly getCapacity: GetCapacity;
  readonly recordAudit: RecordAudit;
}

/** `GET /v1/workers`: the worker machines of the installation. */
export function listWorkersRoute({ listWorkers }: WorkerRouteParts): RequestHandler {
  return async (_req, res) => {
    const workers = await withinRedisBudget(listWorkers());
    res.json({ workers: workers.map(viewOf) });
  };
}

/**
 * `POST /v1/workers/:id/drain` and `…/undrain`: stops or resumes launches on a worker. Live sessions stay, and the
 * worker stays drained over a restart. Idempotent; answers with the worker.
 */
export function drainWorkerRoute(parts: WorkerRouteParts, drained: boolean): RequestHandler {
  return async (req, res) => {
    const workerId = workerIdOf(req);
    await withinRedisBudget(parts.drainWorker(workerId, drained));
    await auditRequest(parts.recordAudit, res, drained ? 'worker_drained' : 'worker_undrained', workerId);
    const worker = (await withinRedisBudget(parts.listWorkers())).find(({ id }) => id === workerId);
    // An undrained worker without a lease has no record left to show.
    if (worker === undefined) res.status(204).end();
    else res.json(viewOf(worker));
  };
}

/** `GET /v1/capacity`: the current capacity of the installation. */
export function capacityRoute({ getCapacity }: WorkerRouteParts): RequestHandler {
  return async (_req, res) => {
    res.json(await withinRedisBudget(getCapacity()));
  };
}

function viewOf({ id, info, draining, isAlive, leaseExpiresAtMs }: FoundWorker): Worker {
  return {
    id,
    hostname: info?.hostname ?? null,
    slots: info?.slots ?? 0,
    used: info?.used ?? 0,
    warm: info?.warm ?? 0,
    asleep: info?.asleep ?? 0,
    draining,
    alive: isAlive,
    leaseExpiresAt: isoOrNull(leaseExpiresAtMs),
  };
}

/* Worker ids have the alphabet of session ids. */
function workerIdOf({ params: { id } }: Request): string {
  if (typeof id === 'string' && SESSION_ID_PATTERN.test(id)) return id;
  throw workerNotFound();
}

import { hostIdOf } from '../process/run-root';
import { ADOPT_GRACE_MS, SILENT_AFTER_MS, WORKERLESS_MAX_MS } from './protocol';
import { WorkerRegistry, type Browsers, type WorkerRegistryDeps } from './worker-registry';

/** Options of {@link openWorkerRegistry}; times that are left out are those of production. */
export interface RegistryOptions extends Pick<WorkerRegistryDeps, 'processes' | 'clock' | 'log'> {
  readonly onAbandoned?: () => void;
  readonly rhythm?: Partial<Pick<WorkerRegistryDeps, 'silentAfterMs' | 'adoptGraceMs' | 'workerlessMaxMs'>>;
}

/** The registry of workers for the browsers of this process. */
export async function openWorkerRegistry(
  keeper: Browsers,
  runRoot: string,
  { processes, clock, log, rhythm, onAbandoned }: RegistryOptions,
): Promise<WorkerRegistry> {
  const self = await processes.identify(process.pid);
  if (self === null) throw new Error('the process table does not know this process');
  return new WorkerRegistry({
    keeper,
    hostId: await hostIdOf(runRoot),
    self,
    processes,
    clock,
    log,
    silentAfterMs: rhythm?.silentAfterMs ?? SILENT_AFTER_MS,
    adoptGraceMs: rhythm?.adoptGraceMs ?? ADOPT_GRACE_MS,
    workerlessMaxMs: rhythm?.workerlessMaxMs ?? WORKERLESS_MAX_MS,
    onAbandoned: onAbandoned ?? (() => undefined),
  });
}

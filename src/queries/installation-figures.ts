import type { Capacity } from '../client/fleet';
import type { SessionStatus } from '../../machines/session/session.words';
import type { QueueDepth, QueueDepths } from '../queue/queue-depths';
import type { ContextIndex } from '../store/contexts/context-index';
import type { HealthStore, LeftUndone, ServerState } from '../store/health-store';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { SessionIndex } from '../store/session-index';
import { capacityOf, listWorkers, type ListWorkersParts } from './list-workers';

/** The whole installation in numbers, at one moment of Redis `TIME`. */
export interface InstallationFigures {
  readonly nowMs: number;
  readonly sessions: Readonly<Record<SessionStatus, number>>;
  /** Of all kept versions of contexts. */
  readonly contextBytes: number;
  readonly capacity: Capacity;
  /** Workers whose lease has lapsed and that are not forgotten yet. */
  readonly lostWorkers: number;
  readonly undone: LeftUndone;
  readonly queues: readonly QueueDepth[];
  readonly server: ServerState;
}

/** Reads the figures. */
export type ReadFigures = () => Promise<InstallationFigures>;

/** Dependencies of {@link readFigures}. */
export interface ReadFiguresParts extends ListWorkersParts {
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly index: Pick<SessionIndex, 'counts'>;
  readonly contextIndex: Pick<ContextIndex, 'totalBytes'>;
  readonly health: HealthStore;
  readonly queueDepths: QueueDepths;
}

/** @throws what Redis throws while it is away. */
export function readFigures(parts: ReadFiguresParts): ReadFigures {
  const list = listWorkers(parts);
  return async () => {
    const nowMs = await parts.maintenance.nowMs();
    const [sessions, contextBytes, found, queued, undone, queues, server] = await Promise.all([
      parts.index.counts(),
      parts.contextIndex.totalBytes(),
      list(),
      parts.workers.queuedSessions(),
      parts.health.leftUndone(nowMs),
      parts.queueDepths.read(),
      parts.health.server(),
    ]);
    const lostWorkers = found.filter(
      ({ isAlive, leaseExpiresAtMs }) => !isAlive && leaseExpiresAtMs !== null,
    );
    const capacity = capacityOf(found, queued);
    return {
      nowMs,
      sessions,
      contextBytes,
      capacity,
      lostWorkers: lostWorkers.length,
      undone,
      queues,
      server,
    };
  };
}

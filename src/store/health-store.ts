import type { TimerKind } from '../../machines/session/session.words';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { parseInfo } from '../redis/server-info';
import type { ClosingStore } from './closing-store';
import type { MaintenanceStore } from './maintenance-store';

/** What Redis reports of itself. Null: it does not report it. */
export interface ServerState {
  /** Whether it refuses writes when its memory is full, instead of dropping sessions and jobs. */
  readonly refusesWhenFull: boolean | null;
  /** Whether its append-only file is on, and the last write to it succeeded. */
  readonly isPersistent: boolean | null;
  readonly memoryUsedBytes: number | null;
  /** `maxmemory`, or where that is not set the memory of its machine. */
  readonly memoryMaxBytes: number | null;
  readonly clients: number | null;
  /** Since its start. */
  readonly commandsProcessed: number | null;
}

/** Work that is overdue. */
export interface LeftUndone {
  readonly overdue: Readonly<Partial<Record<TimerKind, number>>>;
  readonly browsers: number;
  readonly effects: number;
  /** Jobs that no consumer could handle and no operator has settled. */
  readonly quarantined: number;
}

/** No deadline stays overdue for longer than this while an API or worker process is alive (I9). */
const OVERDUE_AFTER_MS = 1_000;

/** An ended session's browser is gone after this long (I7); effects are enqueued long before. */
const LEFT_AFTER_MS = 5_000;

/** How many overdue deadlines are counted at most; one is a fault already. */
const OVERDUE_MAX = 1_000;

/** Reads the health of Redis and of the installation, at a cost that does not grow with the number of sessions. */
export class HealthStore {
  constructor(
    private readonly redis: Redis,
    private readonly maintenance: Pick<MaintenanceStore, 'overdue'>,
    private readonly closing: Pick<ClosingStore, 'all'>,
  ) {}

  /** What Redis reports of itself; an answer also proves that Redis is reachable. */
  async server(): Promise<ServerState> {
    const fields = parseInfo(await this.redis.info());
    const number = (name: string): number | null => (fields.has(name) ? Number(fields.get(name)) : null);
    const is = (name: string, wanted: string): boolean | null =>
      fields.has(name) ? fields.get(name) === wanted : null;
    const appends = is('aof_enabled', '1');
    return {
      refusesWhenFull: is('maxmemory_policy', 'noeviction'),
      isPersistent: appends === null ? null : appends && is('aof_last_write_status', 'ok') !== false,
      memoryUsedBytes: number('used_memory'),
      memoryMaxBytes: number('maxmemory') || number('total_system_memory'),
      clients: number('connected_clients'),
      commandsProcessed: number('total_commands_processed'),
    };
  }

  /** @param nowMs - Redis `TIME` */
  async leftUndone(nowMs: number): Promise<LeftUndone> {
    const [overdue, closing, effects, quarantined] = await Promise.all([
      this.maintenance.overdue(nowMs - OVERDUE_AFTER_MS, 0, OVERDUE_MAX),
      this.closing.all(),
      this.redis.zcount(keys.effects, '-inf', nowMs - LEFT_AFTER_MS),
      this.redis.zcard(keys.quarantine),
    ]);
    const byKind: Partial<Record<TimerKind, number>> = {};
    for (const { kind } of overdue) if (kind !== null) byKind[kind] = (byKind[kind] ?? 0) + 1;
    const browsers = closing.filter(({ sinceMs }) => nowMs - sinceMs > LEFT_AFTER_MS).length;
    return { overdue: byKind, browsers, effects, quarantined };
  }
}

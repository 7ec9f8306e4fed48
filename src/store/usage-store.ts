import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How long the usage of a day is kept. */
export const USAGE_KEPT_MS = 400 * 86_400_000;

/** Usage of ended sessions, summed. */
export interface Usage {
  readonly sessions: number;
  readonly liveMs: number;
  /** Minutes, rounded up for each session. */
  readonly startedMinutes: number;
  /** What has gone through forward proxies. It is added when a browser is gone, so shortly after the rest. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly refused: number;
}

/** The usage of one day, by end reason. */
export interface DayUsage {
  /** `YYYY-MM-DD` in UTC. */
  readonly day: string;
  readonly byEndReason: Readonly<Record<string, Usage>>;
}

/**
 * Usage of tenants. Written by the commit that ends a session, so that each session counts once, on the day it ended
 * (I2), and its traffic by the acknowledgement that its browser is gone ({@link ClosingStore}).
 */
export class UsageStore {
  constructor(private readonly redis: Redis) {}

  /** The usage of these days; days on which nothing ended have no reasons. */
  async days(tenant: string, days: readonly string[]): Promise<DayUsage[]> {
    const counted = await Promise.all(days.map(day => this.redis.hgetall(keys.usage(tenant, day))));
    return days.map((day, i) => ({ day, byEndReason: byEndReasonOf(counted[i] ?? {}) }));
  }
}

/** The day of a moment: `YYYY-MM-DD` in UTC. */
export function usageDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function byEndReasonOf(fields: Readonly<Record<string, string>>): Record<string, Usage> {
  const reasons = new Set(Object.keys(fields).map(field => field.slice(0, field.indexOf('|'))));
  const of = (reason: string, measure: keyof Usage): number => Number(fields[`${reason}|${measure}`] ?? 0);
  return Object.fromEntries(
    [...reasons].sort().map(reason => [
      reason,
      {
        sessions: of(reason, 'sessions'),
        liveMs: of(reason, 'liveMs'),
        startedMinutes: of(reason, 'startedMinutes'),
        sentBytes: of(reason, 'sentBytes'),
        receivedBytes: of(reason, 'receivedBytes'),
        refused: of(reason, 'refused'),
      },
    ]),
  );
}

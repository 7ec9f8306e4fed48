import type { ContextIndex, ContextUsage } from '../store/contexts/context-index';
import type { DayUsage, Usage, UsageStore } from '../store/usage-store';

const DAY_MS = 86_400_000;

/** Which days; both inclusive, `YYYY-MM-DD` in UTC. */
export interface UsageRequest {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
}

/** The usage of a tenant, by day and in total. */
export interface UsageReport {
  /** Only days on which a session ended. */
  readonly days: readonly (DayUsage & { readonly total: Usage })[];
  readonly total: Usage;
  /** What the tenant's contexts take now. */
  readonly contexts: ContextUsage;
}

/** Reads the usage. */
export type GetUsage = (request: UsageRequest) => Promise<UsageReport>;

/** Dependencies of {@link getUsage}. */
export interface GetUsageParts {
  readonly usage: Pick<UsageStore, 'days'>;
  readonly contextIndex: Pick<ContextIndex, 'usage'>;
}

/** @throws what Redis throws while it is away. */
export function getUsage({ usage, contextIndex }: GetUsageParts): GetUsage {
  return async ({ tenant, from, to }) => {
    const [counted, contexts] = await Promise.all([
      usage.days(tenant, daysBetween(from, to)),
      contextIndex.usage(tenant),
    ]);
    const days = counted
      .filter(({ byEndReason }) => Object.keys(byEndReason).length > 0)
      .map(day => ({ ...day, total: added(Object.values(day.byEndReason)) }));
    return { days, total: added(days.map(({ total }) => total)), contexts };
  };
}

/** How many days a range has, both ends included; 0 or less if it ends before it begins. */
export function dayCount(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
}

function daysBetween(from: string, to: string): string[] {
  const firstMs = Date.parse(from);
  return Array.from({ length: dayCount(from, to) }, (_, i) =>
    new Date(firstMs + i * DAY_MS).toISOString().slice(0, 10),
  );
}

const added = (usages: readonly Usage[]): Usage =>
  usages.reduce(
    (sum, { sessions, liveMs, startedMinutes, sentBytes, receivedBytes, refused }) => ({
      sessions: sum.sessions + sessions,
      liveMs: sum.liveMs + liveMs,
      startedMinutes: sum.startedMinutes + startedMinutes,
      sentBytes: sum.sentBytes + sentBytes,
      receivedBytes: sum.receivedBytes + receivedBytes,
      refused: sum.refused + refused,
    }),
    { sessions: 0, liveMs: 0, startedMinutes: 0, sentBytes: 0, receivedBytes: 0, refused: 0 },
  );

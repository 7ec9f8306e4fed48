import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { UsageFigures } from '../../client/fleet';
import { checkFields } from '../../core/check-fields';
import { dayCount, type GetUsage, type UsageReport } from '../../queries/usage';
import type { MaintenanceStore } from '../../store/maintenance-store';
import type { Usage } from '../../store/usage-store';
import { csv } from '../edge/csv';
import { withinRedisBudget } from '../edge/redis-budget';
import { tenantOf } from '../edge/request-context';

const DAYS_MAX = 366;
const DAYS_DEFAULT = 30;
const DAY_MS = 86_400_000;

const day = z.iso.date({ error: 'must be a day such as 2030-01-31' });

/** The query of `GET /v1/usage`. */
export const usageQuery = z.object({
  from: day.optional().describe(`The first day, in UTC, inclusive. Default: ${DAYS_DEFAULT} days in all.`),
  to: day.optional().describe('The last day, in UTC, inclusive. Default: today.'),
});

const usageRange = z
  .object({ from: day, to: day })
  .refine(({ from, to }) => dayCount(from, to) >= 1, { path: ['to'], message: 'must not be before from' })
  .refine(({ from, to }) => dayCount(from, to) <= DAYS_MAX, {
    path: ['to'],
    message: `must be at most ${DAYS_MAX} days from from`,
  });

/** Dependencies of the route. */
export interface UsageRouteParts {
  readonly getUsage: GetUsage;
  /** Days follow Redis `TIME`, like the usage itself. */
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
}

/**
 * `GET /v1/usage`: usage of the tenant's sessions, by the day on which they ended and by end reason, and of its
 * contexts. JSON, or CSV for those who prefer that.
 */
export function usageRoute({ getUsage, maintenance }: UsageRouteParts): RequestHandler {
  return async (req, res) => {
    const asked = checkFields(usageQuery, req.query, { root: 'query' });
    const to = asked.to ?? dayOf(await withinRedisBudget(maintenance.nowMs()));
    const from = asked.from ?? dayOf(Date.parse(to) - (DAYS_DEFAULT - 1) * DAY_MS);
    checkFields(usageRange, { from, to }, { root: 'query' });
    const report = await withinRedisBudget(getUsage({ tenant: tenantOf(res), from, to }));
    res.vary('Accept');
    if (req.accepts(['json', 'text/csv']) === 'text/csv') {
      res.attachment(`usage-${from}-${to}.csv`).type('text/csv; charset=utf-8').send(usageTable(report));
      return;
    }
    const { days, total, contexts } = report;
    res.json({
      from,
      to,
      days: days.map(({ day: date, total: ofDay, byEndReason }) => ({
        date,
        ...viewOf(ofDay),
        byEndReason: Object.fromEntries(
          Object.entries(byEndReason).map(([reason, usage]) => [reason, viewOf(usage)]),
        ),
      })),
      total: viewOf(total),
      contexts: { count: contexts.contexts, bytes: contexts.bytes },
    });
  };
}

const COLUMNS = [
  'date',
  'endReason',
  'sessions',
  'liveSeconds',
  'startedMinutes',
  'sentBytes',
  'receivedBytes',
  'refused',
  'contexts',
  'contextBytes',
] as const;

/* A line for each day and end reason. The last one has the contexts as they are now, and nothing else. */
function usageTable({ days, contexts }: UsageReport): string {
  const sessions = days.flatMap(({ day: date, byEndReason }) =>
    Object.entries(byEndReason).map(([reason, usage]) => {
      const {
        sessions: count,
        liveSeconds,
        startedMinutes,
        sentBytes,
        receivedBytes,
        refused,
      } = viewOf(usage);
      const figures = [count, liveSeconds, startedMinutes, sentBytes, receivedBytes, refused];
      return [date, reason, ...figures, null, null];
    }),
  );
  const last = [...COLUMNS.slice(0, -2).map(() => null), contexts.contexts, contexts.bytes];
  return csv(COLUMNS, [...sessions, last]);
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const viewOf = ({ liveMs, ...figures }: Usage): UsageFigures => ({
  liveSeconds: liveMs / 1_000,
  ...figures,
});

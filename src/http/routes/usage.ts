import type { RequestHandler } from 'express';
import { z } from 'zod';
import { dayCount, type GetUsage } from '../../queries/usage';
import type { Usage } from '../../store/usage-store';
import { withinRedisBudget } from '../redis-budget';
import { tenantOf } from '../request-context';
import { parse } from '../schemas';

const DAYS_MAX = 366;

const day = (which: string) =>
  z.iso.date({ error: 'must be a day such as 2030-01-31' }).describe(`The ${which} day, in UTC, inclusive.`);

/** The query of `GET /v1/usage`. */
export const usageQuery = z
  .object({ from: day('first'), to: day('last') })
  .refine(({ from, to }) => dayCount(from, to) >= 1, { path: ['to'], message: 'must not be before from' })
  .refine(({ from, to }) => dayCount(from, to) <= DAYS_MAX, {
    path: ['to'],
    message: `must be at most ${DAYS_MAX} days from from`,
  });

/** What sessions have used, as callers see it. */
export interface UsageView {
  readonly sessions: number;
  readonly liveSeconds: number;
  /** Every minute that was begun, session by session. */
  readonly startedMinutes: number;
}

/** `GET /v1/usage`: what the tenant's sessions have used, by the day they ended on and by end reason. */
export function usageRoute(getUsage: GetUsage): RequestHandler {
  return async (req, res) => {
    const { from, to } = parse(usageQuery, req.query, 'query');
    const { days, total } = await withinRedisBudget(getUsage({ tenant: tenantOf(res), from, to }));
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
    });
  };
}

const viewOf = ({ sessions, liveMs, startedMinutes }: Usage): UsageView => ({
  sessions,
  liveSeconds: liveMs / 1_000,
  startedMinutes,
});

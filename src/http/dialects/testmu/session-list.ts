import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { SessionData } from '../../../client/session';
import { pageLimit } from '../../../contract/schemas';
import { checkFields } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import { withinRedisBudget } from '../../edge/redis-budget';
import { tenantOf } from '../../edge/request-context';
import type { DialectParts } from '../dialect';

const STATUS_WORDS: Readonly<Record<SessionData['status'], string>> = {
  created: 'initiated',
  live: 'running',
  released: 'completed',
  timed_out: 'timeout',
  failed: 'failed',
};

const query = z.looseObject({
  limit: pageLimit,
  offset: z.string().regex(/^\d+$/, 'must be a whole number').default('0'),
});

/**
 * `GET /automation/api/v1/sessions`: the newest sessions. The SDK reads `test_id` and `build_id` of the first one after
 * it has connected, and makes its viewer URL of them.
 */
export function listRoute({ service }: Pick<DialectParts, 'service'>): RequestHandler {
  return async (req, res) => {
    const { limit, offset } = checkFields(query, req.query, { root: 'query' });
    if (Number(offset) > 0) throw new ServiceError('not_supported', 'query/offset is not supported.');
    const { sessions } = await withinRedisBudget(
      service.listSessions({
        ...{ tenant: tenantOf(res), statuses: [], labels: [], createdAfterMs: null, createdBeforeMs: null },
        ...{ cursor: null, limit },
      }),
    );
    const data = sessions.map(found => listed(service.views.of(found)));
    res.json({ data, message: 'Retrieve session list was successful', status: 'success' });
  };
}

function listed({ id, name, labels, status, createdAt, liveAt, endedAt, duration }: SessionData): object {
  return {
    test_id: id,
    build_id: labels['build'] ?? id,
    session_id: id,
    name: name ?? id,
    build_name: labels['build'] ?? null,
    status_ind: STATUS_WORDS[status],
    browser: 'chrome',
    /** Seconds. */
    duration: Math.round(duration / 1_000),
    create_timestamp: createdAt,
    start_timestamp: liveAt,
    end_timestamp: endedAt,
  };
}

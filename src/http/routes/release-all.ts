import type { RequestHandler } from 'express';
import type { Service } from '../../contract/service';
import { parsePrefer } from '../edge/prefer';
import { actorOf, tenantOf } from '../edge/request-context';
import { auditRequest } from './audit';
import { parseReleaseAll } from '../../contract/schemas';

/**
 * `POST /v1/sessions/release`: ends the tenant's created and live sessions, or those that match the filters; with
 * `dryRun` it only counts them. `success` is false if some could not be confirmed; a repeat settles them.
 */
export function releaseAllRoute({
  releaseAll,
  recordAudit,
}: Pick<Service, 'releaseAll' | 'recordAudit'>): RequestHandler {
  return async (req, res) => {
    const { selection, dryRun } = parseReleaseAll(req.body, req.query);
    const { respondAsync } = parsePrefer(req.headers['prefer']);
    const result = await releaseAll({
      tenant: tenantOf(res),
      selection,
      dryRun,
      untilClosed: !respondAsync,
      actor: actorOf(res),
    });
    if (!dryRun && result.released > 0)
      await auditRequest(recordAudit, res, 'sessions_released', tenantOf(res), `${result.released} sessions`);
    if (respondAsync) res.set('Preference-Applied', 'respond-async');
    res.json({ success: result.failed === 0, message: messageOf(dryRun, result.failed), ...result });
  };
}

function messageOf(dryRun: boolean, failed: number): string {
  if (dryRun) return 'Nothing was released: this was a dry run';
  // Clients of other systems compare this sentence.
  return failed === 0
    ? 'All sessions released successfully'
    : 'Not every release was confirmed; repeat the request';
}

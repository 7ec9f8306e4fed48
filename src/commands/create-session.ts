import { createHmac } from 'node:crypto';
import { NO_ACTIVITY } from '../../machines/session/session.deadlines';
import { firstStep } from '../../machines/step';
import type { BrowserOptions, ContextUse, SessionLimits } from '../../machines/session/session.types';
import { sealSecrets, type LaunchSecrets } from '../browser/launch-secrets';
import { quotasOf, type QuotaConfig, type TenantQuotas } from '../config/quotas';
import { ServiceError } from '../core/errors';
import { contextRefOf, randomId, refOf, uuidv7, type SessionRef } from '../core/ids';
import { QuotaExceededError, type QuotaBudget } from '../core/quota-exceeded';
import type { EffectRelay } from '../engine/effect-relay';
import { effectsToCarryOut } from '../engine/timer-jobs';
import type { Report } from '../metrics/report';
import type { ContextWriters } from '../store/contexts/context-writers';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { SessionStore } from '../store/session-store';
import type { QuotaAnswer, SessionRecord } from '../store/session-record';
import { keyReused } from './key-reused';
import type { ContextRequest, UseContext } from './use-context';

/** How long an Idempotency-Key is remembered, unless the retention of sessions is shorter. */
const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;

/** The parameters of a new session, checked and with defaults applied. */
export interface NewSession {
  readonly sessionId: string | null;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: SessionLimits;
  readonly options: BrowserOptions;
  readonly context: ContextRequest | null;
  /** Stored encrypted in the row until the browser is ready. */
  readonly secrets: LaunchSecrets;
}

/** A request to create a session. */
export interface CreateRequest {
  readonly tenant: string;
  readonly session: NewSession;
  readonly idempotencyKey: string | null;
  readonly actor: string;
}

/** A session that exists now: created by this call, or by an earlier one with the same parameters. */
export interface Accepted {
  readonly ref: SessionRef;
  /** Whether an earlier call with the same Idempotency-Key created it. */
  readonly replayed: boolean;
  /** The record that this call has committed, and when by Redis `TIME`; null if an earlier call did. */
  readonly committed: { readonly record: SessionRecord; readonly nowMs: number } | null;
  /** What is left of the tenant's quotas after this call; none if an earlier call created it. */
  readonly budgets: readonly QuotaBudget[];
}

/** Accepts a session. */
export type CreateSession = (request: CreateRequest) => Promise<Accepted>;

/** Dependencies of {@link createSession}. */
export interface CreateSessionParts {
  readonly sessions: Pick<SessionStore, 'create' | 'idempotent' | 'quotaInTheWay'>;
  readonly contextWriters: Pick<ContextWriters, 'release'>;
  readonly useContext: UseContext;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly relay: Pick<EffectRelay, 'afterCommit'>;
  readonly report: Pick<Report, 'transition' | 'quotaRefused'>;
  readonly quotas: QuotaConfig;
  readonly retentionMs: number;
  /** The installation's secret; only its processes can open what is sealed with it. */
  readonly secret: string;
}

/**
 * Accepts sessions. After the commit the session is never forgotten (I1), so the call resolves then and waits for
 * nothing else. A repeat with the same body joins the first call (I10), whatever the quotas
 * say by then.
 *
 * @throws ServiceError `session_id_taken` or `idempotency_key_reused` if another body used the id or the key before;
 *   `context_not_found`, `context_in_use`; QuotaExceededError, and then nothing was created; what Redis throws while
 *   it is away, and then the session may exist: only a repeat with the same key or id can tell.
 */
export function createSession(parts: CreateSessionParts): CreateSession {
  // A record that outlived its session would answer with a session that cannot be read any more.
  const ttlMs = Math.min(IDEMPOTENCY_TTL_MS, parts.retentionMs);
  return async ({ tenant, session, idempotencyKey, actor }) => {
    const nowMs = await parts.maintenance.nowMs();
    const { sessionId, secrets, context, ...given } = session;
    const id = sessionId ?? uuidv7(nowMs);
    const ref = refOf(tenant, id);
    const fingerprint = fingerprintOf(parts.secret, session);
    if (context !== null && idempotencyKey !== null) {
      // Before the context is asked for: the session of the first call may be what keeps it in use.
      const earlier = await parts.sessions.idempotent(tenant, idempotencyKey);
      if (earlier !== null) return joined(earlier, fingerprint, true, id);
    }
    const quotas = quotasOf(parts.quotas, tenant);
    const contextUse = context === null ? null : await contextOf(parts, tenant, id, context, quotas);
    const sealed = sealSecrets(parts.secret, ref, secrets);
    const input = { tenant, id, ...given, sealed, contextUse, nowMs };
    const { snapshot, ...first } = firstStep(input);
    const effects = effectsToCarryOut(first.effects, nowMs);
    const answer = await parts.sessions.create({
      ...{ input, first: { ...first, snapshot, effects } },
      fingerprint,
      // The connection may send the script twice; the second run finds this id and gives the first answer.
      opId: randomId(),
      actor,
      idempotency: idempotencyKey === null ? null : { key: idempotencyKey, ttlMs },
      quotas,
    });

    const isOther = answer.answer === 'EXISTS' || answer.answer === 'IDEMPOTENT';
    if (contextUse !== null && (answer.answer === 'QUOTA' || (isOther && answer.ref !== ref)))
      await parts.contextWriters.release(contextRefOf(tenant, contextUse.contextId), id);
    if (answer.answer === 'QUOTA') throw refusedBy(parts, tenant, answer);
    if (isOther) return joined(answer, fingerprint, answer.answer === 'IDEMPOTENT', id);
    const history = { event: 'created', cause: 'requested', actor };
    parts.report.transition({ ref, revision: 1, ...history, before: null, after: snapshot, nowMs });
    // Not awaited, and it never rejects: a sweep enqueues the effects that do not reach the queues now.
    void parts.relay.afterCommit(ref, 1, effects, nowMs, answer.answer === 'OK' ? answer.turn : null);
    const untouched = { ...NO_ACTIVITY, tokenGeneration: 0, finalSave: null, traffic: null };
    const record = { ref, revision: 1, snapshot, fingerprint, ...untouched };
    const budgets = answer.answer === 'OK' ? answer.budgets : [];
    return { ref, replayed: false, committed: { record, nowMs }, budgets };
  };
}

/* A create that a quota refuses makes no context. */
async function contextOf(
  parts: CreateSessionParts,
  tenant: string,
  id: string,
  request: ContextRequest,
  quotas: TenantQuotas,
): Promise<ContextUse> {
  const inTheWay = await parts.sessions.quotaInTheWay(tenant, id, quotas);
  if (inTheWay !== null) throw refusedBy(parts, tenant, inTheWay);
  return parts.useContext(tenant, id, request);
}

function refusedBy({ report }: CreateSessionParts, tenant: string, refusal: QuotaAnswer): ServiceError {
  const { quota, waitMs, budgets } = refusal;
  report.quotaRefused(quota, tenant);
  const limit = budgets.find(budget => budget.quota === quota)?.limit ?? 0;
  return new QuotaExceededError({ quota, limit, waitMs, budgets });
}

/**
 * HMAC-SHA256 over the parameters, hexadecimal; equal for equal parameters, in any order of labels. A generated id is
 * not part of it, since every retry gets another one. It is keyed because it stays in the row: without the
 * installation's secret, a guessed password cannot be tested against it.
 */
export function fingerprintOf(
  secret: string,
  { sessionId, name, labels, limits, options, context, secrets }: NewSession,
): string {
  const {
    browser,
    headless,
    dimensions,
    deviceScaleFactor,
    userAgent,
    locale,
    timezone,
    egress,
    proxyServer,
    ...others
  } = options;
  // A new option must be added here, or two requests that differ in it would be taken for the same.
  others satisfies Record<string, never>;
  const canonical = JSON.stringify([
    sessionId,
    name,
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
    limits.timeoutMs,
    limits.idleTimeoutMs,
    limits.queueTimeoutMs,
    limits.connectTimeoutMs,
    headless,
    dimensions === null ? null : [dimensions.width, dimensions.height],
    deviceScaleFactor,
    userAgent,
    locale,
    timezone,
    proxyServer,
    secrets.proxy === null ? null : [secrets.proxy.username, secrets.proxy.password],
    // The schema has put the members of each cookie into a fixed order.
    secrets.cookies,
    // Left out without it, so that a row of a version before it has the same fingerprint.
    ...(limits.disconnectTimeoutMs === null ? [] : [limits.disconnectTimeoutMs]),
    // Left out without them, for the same reason.
    ...(limits.sleepAfterMs === null ? [] : [['sleepAfter', limits.sleepAfterMs]]),
    ...(egress === null ? [] : [['egress', egress.allow, egress.deny]]),
    ...(browser === null ? [] : [['browser', browser]]),
    // Left out without a context, so that a row of a version before contexts has the same fingerprint.
    ...(context === null
      ? []
      : [context.id, context.name, context.persist, context.onConflict, context.saveEveryMs]),
  ]);
  return createHmac('sha256', secret).update(`create:${canonical}`).digest('hex');
}

/* The session of an earlier call with the same id or key. */
function joined(
  { ref, fingerprint }: { readonly ref: SessionRef; readonly fingerprint: string },
  expected: string,
  byKey: boolean,
  id: string,
): Accepted {
  if (fingerprint !== expected) throw refusal(byKey, id);
  return { ref, replayed: byKey, committed: null, budgets: [] };
}

function refusal(byKey: boolean, id: string): ServiceError {
  return byKey
    ? keyReused()
    : new ServiceError('session_id_taken', `The session id ${id} was used before, with another body.`, {
        fields: [{ pointer: '/sessionId', message: 'was used before, with another body' }],
      });
}

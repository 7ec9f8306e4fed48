import {
  DEFAULT_BROWSER_OPTIONS,
  type BrowserOptions,
  type ContextSave,
  type ContextUse,
  type Deadlines,
  type Endpoint,
  type Owner,
  type SessionContext,
  type SessionEgress,
  type SessionSnapshot,
} from './session.types';
import { isQueuedBy } from './session.deadlines';
import { BROWSERS, CONTEXT_CONFLICTS, TIMER_KINDS, type SessionStatus, STATUSES } from './session.words';

/** The fields of a row beside the snapshot, which every version writes. */
export interface RowFields {
  readonly tenant: string;
  readonly id: string;
  /** The public status; may be one that this version does not know. */
  readonly status: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly deadlines: Readonly<Record<string, unknown>>;
}

/**
 * What an older process can read of a row that a newer one has written: the fields beside the snapshot, and those
 * members of the snapshot that have the shape this version knows. For readers only; it must never be committed. Never
 * throws, whatever the snapshot is.
 */
export function readNewerSnapshot(stored: unknown, row: RowFields): SessionSnapshot {
  const given = members(members(stored)['context']);
  const limits = members(given['limits']);
  const deadlines = knownDeadlines(row.deadlines);
  const times = {
    liveAtMs: numberOr(given['liveAtMs'], null),
    endedAtMs: numberOr(given['endedAtMs'], null),
  };
  const status = knownStatus(row.status, times);
  return {
    value: status === 'created' ? { created: isQueuedBy(deadlines) ? 'queued' : 'launching' } : status,
    context: {
      tenant: row.tenant,
      id: row.id,
      name: textOr(given['name'], null),
      labels: row.labels,
      limits: {
        timeoutMs: numberOr(limits['timeoutMs'], 0),
        idleTimeoutMs: numberOr(limits['idleTimeoutMs'], null),
        queueTimeoutMs: numberOr(limits['queueTimeoutMs'], 0),
        connectTimeoutMs: numberOr(limits['connectTimeoutMs'], null),
        disconnectTimeoutMs: numberOr(limits['disconnectTimeoutMs'], null),
        sleepAfterMs: numberOr(limits['sleepAfterMs'], null),
      },
      options: optionsIn(members(given['options'])),
      sealed: null,
      contextUse: contextUseIn(members(given['contextUse'])),
      mountedVersion: numberOr(given['mountedVersion'], null),
      lastSave: lastSaveIn(members(given['lastSave'])),
      createdAtMs: row.createdAtMs,
      ...times,
      deadlines,
      launchAttempts: numberOr(given['launchAttempts'], 0),
      fenceN: numberOr(given['fenceN'], 0),
      owner: ownerIn(members(given['owner'])),
      endpoint: endpointIn(members(given['endpoint'])),
      endReason: endReasonIn(given['endReason']),
      error: errorIn(members(given['error'])),
    },
  };
}

/* A status of a newer version is unknown here; the times say how far the session has come. */
function knownStatus(
  word: string,
  { liveAtMs, endedAtMs }: Pick<SessionContext, 'liveAtMs' | 'endedAtMs'>,
): SessionStatus {
  const known = STATUSES.find(status => status === word);
  if (known !== undefined) return known;
  if (endedAtMs !== null) return 'failed';
  return liveAtMs === null ? 'created' : 'live';
}

function knownDeadlines(given: RowFields['deadlines']): Deadlines {
  return Object.fromEntries(
    TIMER_KINDS.flatMap(kind => {
      const deadlineMs = given[kind];
      return isNumber(deadlineMs) ? [[kind, deadlineMs]] : [];
    }),
  );
}

function optionsIn(given: Members): BrowserOptions {
  const { width, height } = members(given['dimensions']);
  return {
    browser: BROWSERS.find(name => name === given['browser']) ?? null,
    headless: typeof given['headless'] === 'boolean' ? given['headless'] : DEFAULT_BROWSER_OPTIONS.headless,
    dimensions: isNumber(width) && isNumber(height) ? { width, height } : null,
    deviceScaleFactor: numberOr(given['deviceScaleFactor'], null),
    userAgent: textOr(given['userAgent'], null),
    locale: textOr(given['locale'], null),
    timezone: textOr(given['timezone'], null),
    egress: egressIn(given['egress']),
    proxyServer: textOr(given['proxyServer'], null),
  };
}

function egressIn(given: unknown): SessionEgress | null {
  const { allow, deny } = members(given);
  if (!isTexts(deny) || (allow !== null && !isTexts(allow))) return null;
  return { allow, deny };
}

function contextUseIn({ contextId, persist, onConflict, saveEveryMs }: Members): ContextUse | null {
  const known = CONTEXT_CONFLICTS.find(conflict => conflict === onConflict);
  if (!isText(contextId) || typeof persist !== 'boolean' || known === undefined) return null;
  return { contextId, persist, onConflict: known, saveEveryMs: numberOr(saveEveryMs, null) };
}

function lastSaveIn({ saveId, atMs, version, isCurrent, problem }: Members): ContextSave | null {
  if (!isNumber(atMs) || typeof isCurrent !== 'boolean') return null;
  const { code, message } = members(problem);
  return {
    ...{ atMs, isCurrent },
    saveId: numberOr(saveId, null),
    version: numberOr(version, null),
    problem: isText(code) && isText(message) ? { code, message } : null,
  };
}

function ownerIn(given: Members): Owner | null {
  const { workerId } = given;
  const { n, claimId } = members(given['fence']);
  return isText(workerId) && isNumber(n) && isText(claimId) ? { workerId, fence: { n, claimId } } : null;
}

/* All members or null: a partial endpoint cannot be used. */
function endpointIn({ port, path, bootId, netns, ...others }: Members): Endpoint | null {
  if (!isNumber(port) || !isText(path) || !isText(bootId) || !isText(netns)) return null;
  return {
    port,
    path,
    bootId,
    netns,
    ...(isText(others['devToolsSocket']) ? { devToolsSocket: others['devToolsSocket'] } : {}),
    gateway: textOr(others['gateway'], null),
    gatewaySocket: textOr(others['gatewaySocket'], null),
  };
}

function errorIn({ code, message }: Members): SessionContext['error'] {
  const reason = endReasonIn(code);
  return reason !== null && isText(message) ? { code: reason, message } : null;
}

function endReasonIn(given: unknown): SessionContext['endReason'] {
  // SAFETY: a reason of a newer version is a string as well; readers only pass it on.
  return isText(given) ? (given as SessionContext['endReason']) : null;
}

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown): Members {
  // SAFETY: any object can be asked for members; what they are is checked where they are read.
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

const numberOr = <F>(value: unknown, other: F): number | F => (isNumber(value) ? value : other);
const textOr = <F>(value: unknown, other: F): string | F => (isText(value) ? value : other);

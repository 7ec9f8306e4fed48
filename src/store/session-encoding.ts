import type { RowFields } from '../../machines/session/session.newer';
import type { MachineEvent } from '../../machines/session/session.events';
import type {
  BrowserOptions,
  ContextSave,
  ContextUse,
  Endpoint,
  SessionContext,
  SessionEgress,
  SessionInput,
  SessionLimits,
  SessionSnapshot,
} from '../../machines/session/session.types';
import { parseRef, type SessionRef } from '../core/ids';
import type { HistoryEntry, NewHistoryEntry } from './session-record';

/*
 * How snapshots and histories are stored: as JSON without members that are null, and without what stands beside them
 * (docs/adr/0085-stored-without-what-is-null.md). What is left has the names of the machine, so that it can be read by
 * hand, and in part by an older process.
 */

/** The first machine version whose snapshots are stored like this. */
const SHORT_SINCE = 6;

type LineHead = Omit<NewHistoryEntry, 'input'>;

type NullableKey<T> = { [K in keyof T]-?: null extends T[K] ? K : never }[keyof T];

/** The members that may be null, all of them; for one that is an object with such members, these. */
type Nulls<T> = Readonly<Record<NullableKey<T>, object | null>> &
  Readonly<Partial<Record<Exclude<keyof T, NullableKey<T>>, object>>>;

const ENDPOINT = { gateway: null, gatewaySocket: null } satisfies Nulls<Endpoint>;

const INPUT = {
  name: null,
  limits: {
    idleTimeoutMs: null,
    connectTimeoutMs: null,
    disconnectTimeoutMs: null,
    sleepAfterMs: null,
  } satisfies Nulls<SessionLimits>,
  options: {
    browser: null,
    dimensions: null,
    deviceScaleFactor: null,
    userAgent: null,
    locale: null,
    timezone: null,
    egress: { allow: null } satisfies Nulls<SessionEgress>,
    proxyServer: null,
  } satisfies Nulls<BrowserOptions>,
  sealed: null,
  contextUse: { saveEveryMs: null } satisfies Nulls<ContextUse>,
} satisfies Nulls<SessionInput>;

const CONTEXT = {
  ...INPUT,
  mountedVersion: null,
  lastSave: { saveId: null, version: null, problem: null } satisfies Nulls<ContextSave>,
  liveAtMs: null,
  endedAtMs: null,
  owner: null,
  endpoint: ENDPOINT,
  endReason: null,
  error: null,
} satisfies Nulls<SessionContext>;

/** The snapshot of a row, without what the fields beside it say. */
export function encodeSnapshot({ value, context }: SessionSnapshot): string {
  const beside = { tenant: undefined, id: undefined, labels: undefined, createdAtMs: undefined };
  return JSON.stringify({
    value,
    context: { ...withoutNulls(context, CONTEXT), ...beside, deadlines: undefined },
  });
}

/** What {@link encodeSnapshot} was given; snapshots of versions before it are complete. */
export function decodeSnapshot(stored: unknown, mv: number, { status: _, ...beside }: RowFields): unknown {
  if (mv < SHORT_SINCE || !isObject(stored) || !isObject(stored['context'])) return stored;
  return { value: stored['value'], context: Object.assign(withNulls(stored['context'], CONTEXT), beside) };
}

/** A line of the history before the script numbers and dates it. The name of the event is not repeated in its input. */
export function encodeTransition(line: LineHead, { type: _, ...event }: MachineEvent): string {
  const endpoint = 'endpoint' in event ? { endpoint: withoutNulls(event.endpoint, ENDPOINT) } : {};
  return JSON.stringify({ ...line, input: { ...event, ...endpoint } });
}

/** The first line. Whose session it is says the key; secrets are kept in the row only. */
export function encodeCreation(line: LineHead, { tenant: _, id: __, ...input }: SessionInput): string {
  return JSON.stringify({ ...line, input: withoutNulls({ ...input, sealed: null }, INPUT) });
}

/** A line of a history; those of older versions are read as well. */
export function decodeLine(ref: SessionRef, json: string): HistoryEntry {
  // SAFETY: the lists are written by the two commit scripts only.
  const line = JSON.parse(json) as HistoryEntry;
  if (line.input === undefined) return line;
  const { tenant, id } = parseRef(ref) ?? { tenant: '', id: ref };
  const input =
    line.event === 'created'
      ? { ...withNulls({ ...line.input }, INPUT), tenant, id }
      : { ...line.input, type: line.event.toUpperCase(), ...endpointIn(line.input) };
  // SAFETY: what was left out is back.
  return { ...line, input: input as MachineEvent | SessionInput };
}

function endpointIn(event: object): { readonly endpoint?: object } {
  return 'endpoint' in event && isObject(event.endpoint)
    ? { endpoint: withNulls(event.endpoint, ENDPOINT) }
    : {};
}

type Members = Readonly<Record<string, unknown>>;

function withoutNulls(value: object, nulls: Members): Members {
  const short: Record<string, unknown> = {};
  for (const [name, member] of Object.entries<unknown>({ ...value })) {
    const inner = nulls[name];
    if (member === null && inner !== undefined) continue;
    short[name] = isObject(member) && isObject(inner) ? withoutNulls(member, inner) : member;
  }
  return short;
}

/* Puts what was left out into what was just parsed: a copy would be a fifth of the time that a page of a list takes. */
function withNulls(whole: Record<string, unknown>, nulls: Members): Record<string, unknown> {
  for (const name in nulls) {
    const member = whole[name];
    const inner = nulls[name];
    if (member === undefined) whole[name] = null;
    else if (isObject(member) && isObject(inner)) withNulls(member, inner);
  }
  return whole;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

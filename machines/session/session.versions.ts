import { DEFAULT_BROWSER_OPTIONS, type SessionSnapshot } from './session.types';
import { SESSION_VALUES } from './session.words';

/**
 * The version of the stored snapshot's shape. Raise it with every change of states or context, and add the
 * migration that brings the version below it forward; a golden snapshot of every released version is under test.
 */
export const MACHINE_VERSION = 8;

/** `migrations[v]` brings a snapshot of version `v` to `v + 1`. Pure. */
const migrations: Readonly<Record<number, (snapshot: unknown) => unknown>> = {
  1: withBrowserOptions,
  2: withoutContextUse,
  3: withoutDisconnectTimeout,
  4: withoutEgressAndBrowser,
  // Version 6 differs in how the store encodes a snapshot, not in the snapshot.
  5: snapshot => snapshot,
  6: withoutSleep,
  // Version 8 differs in how the store keeps what has ended.
  7: snapshot => snapshot,
};

const KNOWN_VALUES: ReadonlySet<string> = new Set(SESSION_VALUES.map(value => JSON.stringify(value)));

/** Thrown for a row written by a newer process: an older one neither reads nor overwrites it. */
export class NewerMachineVersionError extends Error {
  constructor(readonly stored: number) {
    super(`row has machine version ${stored}, this process knows ${MACHINE_VERSION}`);
    this.name = 'NewerMachineVersionError';
  }
}

/**
 * Thrown for a row in a state that this version of the machine does not have: XState would read most of them as
 * `created`.
 */
export class UnknownStateError extends Error {
  constructor(readonly value: unknown) {
    super(`row is in the unknown state ${JSON.stringify(value)}`);
    this.name = 'UnknownStateError';
  }
}

/**
 * Brings a stored snapshot to the current version; the next commit writes it back.
 *
 * @throws NewerMachineVersionError if `mv` is newer than this process.
 * @throws UnknownStateError if the state is not one of {@link SESSION_VALUES}.
 */
export function upgradeSnapshot(stored: unknown, mv: number): SessionSnapshot {
  if (mv > MACHINE_VERSION) throw new NewerMachineVersionError(mv);
  let snapshot = stored;
  for (let v = mv; v < MACHINE_VERSION; v += 1) {
    const migrate = migrations[v];
    if (migrate === undefined) throw new Error(`no migration from machine version ${v}`);
    snapshot = migrate(snapshot);
  }
  // SAFETY: rows are written by the commit script only, with a snapshot of the version they name.
  const current = snapshot as SessionSnapshot;
  if (!KNOWN_VALUES.has(JSON.stringify(current.value))) throw new UnknownStateError(current.value);
  return current;
}

/** The members of version 1 that the migration to version 2 reads. */
interface SnapshotV1 {
  readonly value: unknown;
  readonly context: { readonly endpoint: object | null };
}

/*
 * Version 2 has browser options. Sessions of version 1 had none, and their keepers had no Unix socket for processes on
 * the same machine.
 */
function withBrowserOptions(snapshot: unknown): unknown {
  // SAFETY: called for rows of version 1 only, which the golden snapshots hold.
  const { value, context } = snapshot as SnapshotV1;
  const endpoint = context.endpoint === null ? null : { ...context.endpoint, gatewaySocket: null };
  return { value, context: { ...context, options: DEFAULT_BROWSER_OPTIONS, sealed: null, endpoint } };
}

/** The members of version 2 that the migration to version 3 reads. */
interface SnapshotV2 {
  readonly value: unknown;
  readonly context: object;
}

/* Version 3 has contexts. Sessions of version 2 had none. */
function withoutContextUse(snapshot: unknown): unknown {
  // SAFETY: called for rows of version 2 only, which the golden snapshots hold.
  const { value, context } = snapshot as SnapshotV2;
  return { value, context: { ...context, contextUse: null, mountedVersion: null, lastSave: null } };
}

/** The members of version 3 that the migration to version 4 reads. */
interface SnapshotV3 {
  readonly value: unknown;
  readonly context: { readonly limits: object };
}

/* Version 4 has sessions that a connection creates. Those of version 3 stay without a client as long as they may. */
function withoutDisconnectTimeout(snapshot: unknown): unknown {
  // SAFETY: called for rows of version 3 only, which the golden snapshots hold.
  const { value, context } = snapshot as SnapshotV3;
  return { value, context: { ...context, limits: { ...context.limits, disconnectTimeoutMs: null } } };
}

/** The members of version 4 that the migration to version 5 reads. */
interface SnapshotV4 {
  readonly value: unknown;
  readonly context: { readonly options: object };
}

/*
 * Version 5 has sessions with an egress and a browser of their choice, and the end reason `resource_limit`. Those of
 * version 4 reach what the installation permits with its default browser, and did not end at a limit.
 */
function withoutEgressAndBrowser(snapshot: unknown): unknown {
  // SAFETY: called for rows of version 4 only, which the golden snapshots hold.
  const { value, context } = snapshot as SnapshotV4;
  return { value, context: { ...context, options: { ...context.options, browser: null, egress: null } } };
}

/** The members of version 6 that the migration to version 7 reads. */
interface SnapshotV6 {
  readonly value: unknown;
  readonly context: { readonly limits: object };
}

/* Version 7 has browsers that sleep. Those of version 6 never do. */
function withoutSleep(snapshot: unknown): unknown {
  // SAFETY: called for rows of version 6 only, which the golden snapshots hold.
  const { value, context } = snapshot as SnapshotV6;
  return { value, context: { ...context, limits: { ...context.limits, sleepAfterMs: null } } };
}

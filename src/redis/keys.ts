import type { SessionStatus } from '../../machines/session/session.words';
import type { ContextRef, SessionRef } from '../core/ids';

/** The hash tag of every Holdfast key: one primary holds them all, and scripts may touch any of them. */
export const KEY_PREFIX = '{hf}';

/**
 * The queue `ingress`, which other services write, has a prefix of its own, so that a Redis user can be confined to it.
 */
export const INGRESS_PREFIX = '{hf-in}';

const key = (...parts: string[]): string => [KEY_PREFIX, ...parts].join(':');

/** Every Redis key of Holdfast and its contents. BullMQ's own queues are beside them, as `{hf}:<queue>:…`. */
export const keys = {
  /** Hash: the row of a session, the only source of truth about it. */
  row: (ref: SessionRef) => key('s', ref),
  /** List: the history of a session, one JSON entry a commit; none when it is packed into the row. */
  history: (ref: SessionRef) => key('h', ref),
  /** Zset by deadline: `<ref>|<timer kind>`, every armed deadline. */
  due: key('due'),
  /** String: until when all deadlines have a delayed job, epoch ms. */
  armedUntil: key('armed'),
  /** Zset by time: committed effects that are not enqueued yet, as JSON. */
  effects: key('effects'),
  /**
   * Hash: ended sessions whose browser is not yet known to be gone, `<claimId>|<workerId>|<sinceMs>` by ref, with
   * `|saves` if a save of its context is owed, too.
   */
  closing: key('closing'),
  /** String: the number of the last request for a save. */
  saveIds: key('saveids'),
  /** Hash: live sessions whose context is to be saved, the number of the last request by ref. */
  saves: key('saves'),
  /** Hash: last activity of a live session, epoch ms by ref. */
  activity: key('act'),
  /** Hash: first time a client connected to a live session, epoch ms by ref. */
  attached: key('att'),
  /**
   * Hash: when a client was last connected to, or waiting for, an open session that ends without one, epoch ms by ref.
   */
  present: key('pres'),
  /** Zset by expiry: worker leases. */
  leases: key('leases'),
  /** Hash: what a worker last reported of itself. */
  worker: (workerId: string) => key('w', workerId),
  /** Set: ids of workers that launch nothing until they are undrained. */
  drained: key('drained'),
  /** Set: refs of the launching and live sessions of a worker. */
  owned: (workerId: string) => key('own', workerId),
  /** Stream: orders to a worker. */
  control: (workerId: string) => key('ctl', workerId),
  /** Zset by time queued: refs of sessions that wait for a worker. */
  queued: key('queued'),
  /** Zset by turn, a number of rounds: the same refs in the order in which they are launched. */
  turns: key('turns'),
  /** The same of one tenant. */
  turnsOf: (tenant: string) => key('turns', tenant),
  /** Hash, while sessions wait: the greatest turn that was launched, by tenant; `|`: of all tenants. */
  servedTurns: key('served'),
  /** Zset by end: refs of ended sessions, for retention. Those packed are in its blocks, `<12 hex end><ref>`. */
  ended: key('ended'),
  /** String: what ended until then is packed and in blocks, as far as it can be, epoch ms. */
  packedUntil: key('ended', 'until'),
  /** Hash: number of retained sessions by status. */
  counts: key('counts'),
  /** Capped stream: the notices, tailed by every process. */
  notices: key('notices'),
  /** Zset (score 0) of `<12 hex createdAt><id>`: a tenant's sessions. Those packed are in its blocks: `blocks.lua`. */
  indexAll: (tenant: string) => key('ix', tenant, 'all'),
  indexStatus: (tenant: string, status: SessionStatus) => key('ix', tenant, 'st', status),
  /** `name=value`: the sessions with that label; `name` alone: those with any value of it (no name contains a `=`). */
  indexLabel: (tenant: string, label: string) => key('ix', tenant, 'l', label),
  /** Hash with a TTL: what the sessions that ended on a day (`YYYY-MM-DD`, UTC) have used, `<end reason>|<measure>`. */
  usage: (tenant: string, day: string) => key('usage', tenant, day),
  /** Hash: the row of a context. */
  context: (ref: ContextRef) => key('c', ref),
  /** Hash: the kept versions of a context, as JSON by number. */
  contextVersions: (ref: ContextRef) => key('cv', ref),
  /** Hash: the sessions that save into a context, `<sinceMs>|<1 if exclusive>` by session id. */
  contextWriters: (ref: ContextRef) => key('cw', ref),
  /** String with a TTL: the answer of an operation on a context, for its repeats. */
  contextAnswer: (ref: ContextRef, opId: string) => key('ca', ref, opId),
  /** Hash: a tenant's contexts, id by name. */
  contextNames: (tenant: string) => key('cnames', tenant),
  /** Zset (score 0): a tenant's contexts, members as in {@link keys.indexAll}. */
  contextIndexAll: (tenant: string) => key('cix', tenant, 'all'),
  /** @see keys.indexLabel */
  contextIndexLabel: (tenant: string, label: string) => key('cix', tenant, 'l', label),
  /** Hash: bytes of all versions of contexts, by tenant. */
  contextBytes: key('cbytes'),
  /** Zset by time: blobs that no version has, to be deleted then. */
  doomedBlobs: key('doomed'),
  /** String with a TTL: what an Idempotency-Key was used for. */
  idempotency: (tenant: string, idempotencyKey: string) => key('idem', tenant, idempotencyKey),
  /** Zset by expiry: API and keeper processes that are alive. */
  processes: key('procs'),
  /** Hash: clients a process has attached, by ref. */
  process: (processId: string) => key('proc', processId),
  /** Hash with a TTL: how many connections of a tenant each API process carries, `<count>|<expiresMs>` by process. */
  places: (quota: string, tenant: string) => key('places', quota, tenant),
  /** Hash: the API keys by id, as JSON, with their digests only. */
  apiKeys: key('keys'),
  /** String: changes with every change of {@link keys.apiKeys}. */
  apiKeysVersion: key('keys', 'version'),
  /** Hash: when an API key was last used, epoch ms by id. */
  apiKeysUsed: key('keys', 'used'),
  /** Capped stream: the audit log. */
  audit: key('audit'),
  /** String: the installation's secret. */
  secret: key('secret'),
  /** Zset by time in µs: entries of jobs that could not be handled. */
  quarantine: key('quarantine'),
  /** Hash: those entries by id, as JSON. */
  quarantineEntries: key('quarantine', 'entries'),
  /** Hash: the payloads of those jobs by the entry's id, as they were in the queue. */
  quarantineData: key('quarantine', 'data'),
  /** List with a TTL: progress of a job with steps: the number of steps done, then their outputs. */
  run: (jobKey: string) => key('run', jobKey),
  /** String with a TTL: `<jobKey>|<id>` of the first job with steps that had a dedup key. */
  runOf: (dedupKey: string) => key('run-of', dedupKey),
  /** Hash with a TTL: a file that a job has made. */
  file: (fileId: string) => key('file', fileId),
  /** Zset by time: `<bytes>|<key>` of every file. */
  files: key('files'),
  /** String: bytes of all files. */
  filesBytes: key('files-bytes'),
  /** String with a TTL: the process that sets it runs that sweep this time. */
  sweepLock: (name: string) => key('lock', name),
  /** Passed where a script's key does not apply; never written. */
  none: key('none'),
} as const;

/** Index member: 12 hex digits of creation time, then the id, so that caller-chosen ids sort by time too. */
export function indexMember(createdAtMs: number, id: string): string {
  return createdAtMs.toString(16).padStart(12, '0') + id;
}

/** When a session was created, by its index member; epoch milliseconds, 0 for a text that is none. */
export function createdAtOfMember(member: string): number {
  const createdAtMs = parseInt(member.slice(0, 12), 16);
  return Number.isNaN(createdAtMs) ? 0 : createdAtMs;
}

/** The id in an index member. */
export function idOfIndexMember(member: string): string {
  return member.slice(12);
}

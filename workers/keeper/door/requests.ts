import { z } from 'zod';
import { BROWSERS } from '../../../machines/session/session.words';
import { EGRESS_MODES } from '../../../src/config/egress';
import { PLAIN_LAUNCH, type KeeperOperation, type KeeperOperations, type LaunchOptions } from './protocol';

const text = z.string().min(1).max(256);
const fence = z.object({
  n: z.number().int().nonnegative(),
  claimId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
});
const nothing = z.object({});
const named = z.object({ ref: text, claimId: text });

/* The API has checked all of this for clients. Only types are checked here: the one sender is the worker. */
const launchOptions: z.ZodType<LaunchOptions> = z.object({
  // A worker of a version before it sends none.
  browser: z.enum(BROWSERS).nullable().default(null),
  headless: z.boolean(),
  dimensions: z
    .object({ width: z.number().int().positive(), height: z.number().int().positive() })
    .nullable(),
  deviceScaleFactor: z.number().positive().nullable(),
  userAgent: z.string().nullable(),
  locale: z.string().nullable(),
  timezone: z.string().nullable(),
  // A worker of a version before it sends none.
  egress: z
    .object({ allow: z.array(z.string()).nullable(), deny: z.array(z.string()) })
    .nullable()
    .default(null),
  // Nor these.
  tenantEgress: z
    .object({ mode: z.enum(EGRESS_MODES), allow: z.array(z.string()), deny: z.array(z.string()) })
    .nullable()
    .default(null),
  proxy: z
    .object({ server: z.string(), username: z.string().nullable(), password: z.string().nullable() })
    .nullable(),
  // A worker of a version before contexts sends none.
  profile: z.object({ isMounted: z.boolean(), isKept: z.boolean() }).default(PLAIN_LAUNCH.profile),
});

/** The shape of every operation's arguments. */
const ARGUMENTS: { [Op in KeeperOperation]: z.ZodType<KeeperOperations[Op]['request']> } = {
  register: z.object({ workerPid: z.number().int().positive(), workerStartedAt: text }),
  beat: z.object({ takesWarm: z.boolean().optional() }),
  attend: nothing,
  secret: z.object({ secret: z.string().min(1).max(4_096) }),
  launch: z.object({
    ref: text,
    fence,
    timeoutMs: z.number().int().positive(),
    options: launchOptions,
    sleepAfterMs: z.number().int().positive().nullish(),
    takesWarm: z.boolean().optional(),
  }),
  claim: z.object({ ref: text, from: fence, to: fence }),
  close: named,
  forget: named,
  cutsHeard: named,
  copyProfile: named.extend({ parts: z.array(z.string().min(1).max(256)).max(64) }),
  uploadCutHeard: named,
  list: nothing,
};

const envelope = z.object({ id: z.number().int(), op: z.string(), args: z.unknown().optional() });

/** One request with its arguments checked: the operation tells their type. */
export type CheckedRequest = {
  [Op in KeeperOperation]: {
    readonly id: number;
    readonly op: Op;
    readonly args: KeeperOperations[Op]['request'];
  };
}[KeeperOperation];

/** A parsed line: a request, a refusal for a known id, or a line without an id. */
export type ParsedLine =
  | { readonly request: CheckedRequest }
  | { readonly refused: { readonly id: number; readonly message: string } }
  | { readonly unreadable: string };

/** Checks one line from a worker. */
export function parseRequest(line: string): ParsedLine {
  const outer = envelope.safeParse(parseJson(line));
  if (!outer.success) return { unreadable: 'the line is not a request' };
  const { id, op, args } = outer.data;
  if (!isOperation(op)) return { refused: { id, message: `there is no operation ${op.slice(0, 32)}` } };
  const inner = ARGUMENTS[op].safeParse(args);
  if (!inner.success) return { refused: { id, message: `${op}: ${z.prettifyError(inner.error)}` } };
  // SAFETY: ARGUMENTS maps each operation to the schema of its own request type.
  return { request: { id, op, args: inner.data } as CheckedRequest };
}

function isOperation(op: string): op is KeeperOperation {
  return Object.hasOwn(ARGUMENTS, op);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the schema refuses it
  }
}

import type { Command } from 'commander';
import type { Browser } from '../../../client/browser';
import type { Session } from '../../../client/session';
import { pause } from '../../../core/abort';
import { messageOf } from '../../../core/errors';
import { connect, type Context } from '../../context';
import { formatAge } from '../../durations';
import { Interrupted } from '../../exit-codes';
import { interruptible } from '../../interruption';
import { duration, example, remote, type RemoteOptions } from '../../options';
import { isForPeople, printOne } from '../../output';
import { ProgressLine } from '../../progress';
import { addCreateOptions, createOptionsOf, type CreateFlags } from './create-options';
import { NOTHING } from './views';

type Flags = RemoteOptions &
  CreateFlags & {
    readonly idempotencyKey?: string;
    /** False: do not wait; a number: wait so many milliseconds. */
    readonly wait?: false | number;
    readonly keep?: true;
  };

const PROGRESS_EVERY_MS = 1_000;
const RELEASE_TIMEOUT_MS = 10_000;

/** `holdfast sessions create`. */
export function registerCreate(sessions: Command, context: Context): void {
  const command = sessions
    .command('create')
    .summary('Creates a session and waits until it is live.')
    .description(
      'Creates a session, waits until it is live and prints its id and websocketUrl. If it does not ' +
        'become live, or you press ' +
        'Ctrl-C, it is released, unless --keep or --idempotency-key is given.',
    );
  addCreateOptions(command)
    .optionsGroup('Waiting:')
    .option('--wait <duration>', 'the longest time to wait', duration)
    .option('--no-wait', 'print it as soon as it is accepted')
    .option('--keep', 'do not release it when it is not live in time, or at Ctrl-C')
    .option('--idempotency-key <key>', 'another create with this key returns the same session');
  example(
    remote(command),
    'holdfast sessions create --timeout 10m --label team=a',
    'id=$(holdfast sessions create -o name)',
  ).action(async (flags: Flags) => createAndPrint(context, flags));
}

async function createAndPrint(context: Context, flags: Flags): Promise<void> {
  const options = await createOptionsOf(flags, context.env);
  const client = connect(context, flags);
  const { idempotencyKey } = flags;
  const session = await interruptible(context, async signal => {
    const accepted = await client.sessions.create(options, { wait: false, idempotencyKey, signal });
    if (flags.wait === false) return accepted;
    try {
      return await untilLive(context, client, accepted, { timeoutMs: flags.wait, signal });
    } catch (error) {
      const isKept = flags.keep === true || idempotencyKey !== undefined;
      const outcome = isKept ? `session ${accepted.id} is kept` : await releaseUnused(client, accepted.id);
      if (error instanceof Interrupted) throw new Interrupted(error.signal, `interrupted; ${outcome}`);
      if (outcome !== null && isForPeople(flags.output)) context.stderr.line(outcome);
      throw error;
    }
  });
  printOne(
    context.stdout,
    flags.output,
    session,
    ({ id }) => id,
    ({ id, websocketUrl }) => [
      ['id', id],
      ['websocketUrl', websocketUrl ?? NOTHING],
    ],
  );
}

/* What happened to the session; null if there was nothing to release. */
async function releaseUnused(client: Browser, id: string): Promise<string | null> {
  try {
    const last = { timeoutMs: RELEASE_TIMEOUT_MS, maxRetries: 0 };
    const { endReason } = await client.sessions.release(id, last);
    return endReason === 'released_by_client' ? `session ${id} is released` : null;
  } catch (error) {
    return `session ${id} could not be released, its time-outs will end it: ${messageOf(error)}`;
  }
}

async function untilLive(
  { stderr, clock }: Context,
  client: Browser,
  accepted: Session,
  { timeoutMs, signal }: { readonly timeoutMs: number | undefined; readonly signal: AbortSignal },
): Promise<Session> {
  const line = new ProgressLine(stderr);
  const waiting = new AbortController();
  const sinceMs = clock.monotonicMs();
  const show = (session: Session): void =>
    line.show(`${phaseOf(session)}, ${formatAge(clock.monotonicMs() - sinceMs)}`);
  try {
    // Progress is requested only if it can be shown.
    if (line.isVisible) void follow(client, accepted, show, waiting.signal);
    return await client.sessions.waitFor(accepted, 'live', { timeoutMs, signal });
  } finally {
    waiting.abort();
    line.clear();
  }
}

/* Never rejects: the wait for the session reports the error; the progress line just stops. */
async function follow(
  client: Browser,
  accepted: Session,
  show: (session: Session) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let session = accepted; !signal.aborted && session.status === 'created';) {
    show(session);
    await pause(PROGRESS_EVERY_MS, signal);
    session = await client.sessions.retrieve(session, { signal, maxRetries: 0 }).catch(() => session);
  }
}

/** What a session that is not live yet waits for. */
function phaseOf({ status, queuePosition, workerId }: Session): string {
  if (status !== 'created') return status;
  if (queuePosition !== null) return `queued, position ${queuePosition}`;
  return workerId === null ? 'queued' : 'launching';
}

import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { ReleaseAllResult, Session } from '../../../client/session';
import { harmless } from '../../columns';
import { connect, type Context } from '../../context';
import { EXIT, exitCodeOf, ReportedFailure, UsageError } from '../../exit-codes';
import { printFailure } from '../../failure';
import { SESSIONS, withWord } from '../../find';
import { example, labelSelector, NAMELESS, remote, type RemoteOptions } from '../../options';
import { printAll, type View } from '../../output';
import { SESSION_WORD, sessionsView } from './views';

type ReleaseFlags = RemoteOptions & { readonly wait: boolean };

type ReleaseAllFlags = ReleaseFlags & {
  readonly selector?: string;
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
};

/** `holdfast sessions release`. */
export function registerRelease(sessions: Command, context: Context): void {
  const command = sessions
    .command('release')
    .argument('<id...>', SESSION_WORD)
    .summary('Ends sessions.')
    .description(
      'Ends sessions and returns when their browsers are gone. A session that has already ended is not changed.',
    )
    .optionsGroup('Waiting:')
    .option('--no-wait', 'return when the end is committed');
  example(remote(command), 'holdfast sessions release 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (ids: readonly string[], flags: ReleaseFlags) => release(context, ids, flags),
  );
}

/* Every session is tried; the exit code is that of the first failure. */
async function release(context: Context, ids: readonly string[], flags: ReleaseFlags): Promise<void> {
  const client = connect(context, flags);
  const { wait } = flags;
  const releaseOne = async (word: string): Promise<Session> =>
    withWord(SESSIONS, client, word, async id => client.sessions.release(id, { wait }));
  const settled = await Promise.allSettled(ids.map(releaseOne));
  const released = settled.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
  const failures = settled.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []));
  print(context, flags, released, ids.length === 1);
  for (const failure of failures) printFailure(context.stderr, failure, flags.output);
  if (failures.length > 0) throw new ReportedFailure(exitCodeOf(failures[0]));
}

function print({ stdout, clock }: Context, flags: RemoteOptions, released: Session[], isOne: boolean): void {
  if (released.length === 0) return;
  const document = isOne ? released[0] : { sessions: released };
  printAll(stdout, flags.output, released, sessionsView(clock.nowMs()), document);
}

/** `holdfast sessions release-all`. */
export function registerReleaseAll(sessions: Command, context: Context): void {
  const command = sessions
    .command('release-all')
    .summary('Ends many sessions.')
    .description(
      'Ends all of your sessions, or those with certain labels, including those that other programs have created.',
    )
    .optionsGroup('Which:')
    .option('-l, --selector <selector>', "labels, such as 'team=a,env!=prod'", labelSelector)
    .option('--all', 'every session of your API key')
    .option('--dry-run', 'only count the sessions')
    .option('-y, --yes', 'do not ask for confirmation; only a terminal is asked')
    .optionsGroup('Waiting:')
    .option('--no-wait', 'return when the ends are committed');
  example(
    remote(command, NAMELESS),
    'holdfast sessions release-all -l run=2030-01-31 --dry-run',
    'holdfast sessions release-all --all --yes',
  ).action(async (flags: ReleaseAllFlags) => releaseAll(context, flags));
}

const COUNTS: View<ReleaseAllResult> = {
  nameOf: () => '',
  columns: (['matched', 'released', 'failed'] as const).map(name => ({
    title: name.toUpperCase(),
    of: result => String(result[name]),
    align: 'right',
  })),
};

async function releaseAll(context: Context, flags: ReleaseAllFlags): Promise<void> {
  const { selector, all = false, dryRun = false, wait, output } = flags;
  if ((selector !== undefined) === all)
    throw new UsageError('select sessions with either --selector or --all');
  const { sessions } = connect(context, flags);
  const which = selector === undefined ? {} : { labelSelector: selector };
  const counted = async (): Promise<number> =>
    (await sessions.releaseAll({ ...which, dryRun: true })).matched;
  if (!dryRun && flags.yes !== true && !(await isConfirmed(context, counted))) {
    context.stderr.line('Nothing is released.');
    throw new ReportedFailure(EXIT.failed);
  }
  const result = await sessions.releaseAll({ ...which, dryRun, wait });
  printAll(context.stdout, output, [result], COUNTS, result);
  if (!result.success) {
    context.stderr.line(harmless(result.message));
    throw new ReportedFailure(EXIT.failed);
  }
}

/* Asks only an interactive user; a program cannot answer. */
async function isConfirmed({ stderr }: Context, count: () => Promise<number>): Promise<boolean> {
  if (!process.stdin.isTTY || !stderr.isInteractive) return true;
  const matched = await count();
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D close it and count as no.
  const closed = new AbortController();
  questions.once('close', () => closed.abort());
  try {
    const question = `Release ${matched} ${matched === 1 ? 'session' : 'sessions'}? [y/N] `;
    const answer = await questions.question(question, { signal: closed.signal }).catch((error: unknown) => {
      if (closed.signal.aborted) return '';
      throw error;
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    questions.close();
  }
}

import type { Command } from 'commander';
import { isHoldfastError } from '../../../client/errors';
import type { Session, SessionStatus } from '../../../client/session';
import type { ListOptions } from '../../../client/session-list';
import type { Sessions } from '../../../client/sessions';
import { pause } from '../../../core/abort';
import { harmless } from '../../columns';
import { connect, type Context } from '../../context';
import { interruptible } from '../../interruption';
import { example, labelSelector, momentBefore, remote, wholeNumber, type RemoteOptions } from '../../options';
import { printAll, StreamPrinter } from '../../output';
import { sessionsView } from './views';

type Flags = RemoteOptions & {
  readonly selector?: string;
  readonly status?: string;
  readonly since?: string;
  readonly before?: string;
  readonly limit: number;
  readonly watch?: true;
};

const PAGE_MAX = 100;
const WATCH_EVERY_MS = 1_000;

/** `holdfast sessions list`. */
export function registerList(sessions: Command, context: Context): void {
  const moment = momentBefore(() => context.clock.nowMs());
  const command = sessions
    .command('list')
    .alias('ls')
    .summary('Lists sessions, the newest first.')
    .description(
      'Lists your sessions, the newest first. Ended sessions are listed as long as the service keeps them.',
    )
    .optionsGroup('Which:')
    .option(
      '-l, --selector <selector>',
      "labels, such as 'team=a,env!=prod' or 'team in (a,b)'",
      labelSelector,
    )
    .option('--status <status>', 'created, live, released, failed or timed_out; several separated by commas')
    .option('--since <time>', 'created after this time: 10m ago, or 2030-01-31T12:00:00Z', moment)
    .option('--before <time>', 'created before this time', moment)
    .option('--limit <n>', 'the most sessions to list', wholeNumber(1, 1_000_000), 50)
    .option('-w, --watch', 'then print new and changed sessions once a second, until Ctrl-C');
  example(
    remote(command),
    'holdfast sessions list --status live -l team=a',
    'holdfast sessions list --since 1h --status failed -o ndjson',
  ).action(async (flags: Flags) => (flags.watch === true ? watch(context, flags) : list(context, flags)));
}

async function list(context: Context, flags: Flags): Promise<void> {
  const { found, isMore } = await read(connect(context, flags).sessions, flags);
  printAll(context.stdout, flags.output, found, sessionsView(context.clock.nowMs()), { sessions: found });
  if (isMore) context.stderr.line(`There are more than ${flags.limit} sessions: raise --limit to see them.`);
}

/* The service filters, so that selectors mean the same everywhere; unchanged sessions are not printed again. */
async function watch(context: Context, flags: Flags): Promise<void> {
  const { sessions } = connect(context, flags);
  const seen = new Map<string, number>();
  const printer = new StreamPrinter(context.stdout, flags.output, {
    ...sessionsView(0),
    get columns() {
      return sessionsView(context.clock.nowMs()).columns;
    },
  });
  let wasReached = false;
  await interruptible(context, async signal => {
    while (!signal.aborted) {
      try {
        const { found } = await read(sessions, flags, signal);
        wasReached = true;
        for (const session of found.reverse()) {
          if (seen.get(session.id) === session.revision) continue;
          seen.set(session.id, session.revision);
          printer.print(session);
        }
      } catch (error) {
        // After a first success, an outage is waited out; if the service was never reached, it is an error.
        if (!wasReached || !isHoldfastError(error) || !error.retryable) throw error;
        context.stderr.line(`${harmless(error.message)} Trying again.`);
      }
      await pause(WATCH_EVERY_MS, signal);
    }
    signal.throwIfAborted();
  });
}

async function read(
  sessions: Sessions,
  flags: Flags,
  signal?: AbortSignal,
): Promise<{ readonly found: Session[]; readonly isMore: boolean }> {
  const found: Session[] = [];
  for await (const session of sessions.list({ ...filtersOf(flags), signal })) {
    if (found.length === flags.limit) return { found, isMore: true };
    found.push(session);
  }
  return { found, isMore: false };
}

function filtersOf({ selector, status, since, before, limit }: Flags): ListOptions {
  return {
    // One more than requested, to know whether there are more.
    limit: Math.min(PAGE_MAX, limit + 1),
    ...(selector === undefined ? {} : { labelSelector: selector }),
    // SAFETY: the service checks the status, and names the valid ones.
    ...(status === undefined ? {} : { status: status as SessionStatus }),
    ...(since === undefined ? {} : { createdAfter: since }),
    ...(before === undefined ? {} : { createdBefore: before }),
  };
}

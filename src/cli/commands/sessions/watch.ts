import type { Command } from 'commander';
import type { Browser } from '../../../client/browser';
import { isHoldfastError } from '../../../client/errors';
import { pause } from '../../../core/abort';
import { harmless } from '../../columns';
import { connect, type Context } from '../../context';
import { SESSIONS, withWord } from '../../find';
import { interruptible } from '../../interruption';
import { example, remote, type RemoteOptions } from '../../options';
import { StreamPrinter } from '../../output';
import { EVENTS, HISTORY, SESSION_WORD } from './views';

const RETRY_MS = 1_000;

/** `holdfast sessions watch`. */
export function registerWatch(sessions: Command, context: Context): void {
  const command = sessions
    .command('watch')
    .argument('[id]', SESSION_WORD)
    .summary('Follows one session, or all of your sessions.')
    .description(
      'With an id: prints the history of the session, then new events, until it has ended. ' +
        'Without an id: prints new events of all of your sessions, until Ctrl-C. ' +
        'It continues after an outage of the service; if events may have been missed, it prints reset.',
    );
  example(
    remote(command),
    'holdfast sessions watch',
    'holdfast sessions watch 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5 -o ndjson',
  ).action(async (id: string | undefined, flags: RemoteOptions) => {
    const client = connect(context, flags);
    await interruptible(context, async signal => {
      if (id === undefined) await watchAll(context, flags, client, signal);
      else {
        await withWord(SESSIONS, client, id, async one => watchOne(context, flags, client, one, signal));
      }
    });
  });
}

async function watchOne(
  { stdout, stderr }: Context,
  { output }: RemoteOptions,
  client: Browser,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const printer = new StreamPrinter(stdout, output, HISTORY);
  let afterSeq = 0;
  await through(stderr, signal, async reached => {
    for await (const event of client.sessions.watch(id, { afterSeq, signal })) {
      afterSeq = event.seq;
      reached();
      printer.print(event);
    }
    return 'over';
  });
}

async function watchAll(
  { stdout, stderr }: Context,
  { output }: RemoteOptions,
  client: Browser,
  signal: AbortSignal,
): Promise<void> {
  const printer = new StreamPrinter(stdout, output, EVENTS);
  let after: string | undefined;
  // A stream is silent while nothing happens, so this checks first whether the service answers.
  await client.capacity({ signal });
  await through(stderr, signal, async reached => {
    reached();
    for await (const event of client.events({ after, signal })) {
      if (event.id !== '') after = event.id;
      if (event.type !== 'context') printer.print(event);
    }
    return 'over';
  });
}

/* Continues after outages of the service, once it was reached, and reports them. */
async function through(
  stderr: Context['stderr'],
  signal: AbortSignal,
  follow: (reached: () => void) => Promise<'over'>,
): Promise<void> {
  let wasReached = false;
  for (;;) {
    try {
      await follow(() => (wasReached = true));
      return;
    } catch (error) {
      if (!wasReached || !isHoldfastError(error) || !error.retryable) throw error;
      stderr.line(`${harmless(error.message)} Trying again.`);
      await pause(RETRY_MS, signal);
    }
  }
}

import type { Command } from 'commander';
import { isEnded, type Session } from '../../../client/session';
import { harmless } from '../../columns';
import { connect, type Context } from '../../context';
import { EXIT, ReportedFailure } from '../../exit-codes';
import { SESSIONS, withWord } from '../../find';
import { example, remote, type RemoteOptions } from '../../options';
import { printOne } from '../../output';
import { detailsOf, SESSION_WORD } from './views';

type Flags = RemoteOptions & { readonly wait: boolean };

/** `holdfast sessions sync`. */
export function registerSync(sessions: Command, context: Context): void {
  const command = sessions
    .command('sync')
    .argument('<id>', SESSION_WORD)
    .summary('Saves the context of a live session.')
    .description(
      'Saves what the browser of a live session holds now into its context, and shows what came of it. The session must ' +
        'have been created with --context and --persist.',
    )
    .optionsGroup('Waiting:')
    .option('--no-wait', 'return when the save is requested');
  example(remote(command), 'holdfast sessions sync 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (word: string, flags: Flags) => {
      const { wait, output } = flags;
      const { stdout, stderr } = context;
      const client = connect(context, flags);
      const session = await withWord(SESSIONS, client, word, async id =>
        client.sessions.syncContext(id, { wait }),
      );
      const nameOf = ({ id }: Session): string => id;
      printOne(stdout, output, session, nameOf, detailsOf(context.clock.nowMs()));
      const problem = wait ? problemOf(session) : null;
      if (problem === null) return;
      stderr.line(harmless(problem));
      throw new ReportedFailure(EXIT.failed);
    },
  );
}

/* Why it is not certain that the context is saved; null if it is. */
function problemOf(session: Session): string | null {
  const error = session.context?.lastSave?.error ?? null;
  if (error !== null) return `The context is not saved: ${error.message} (${error.code}).`;
  if (!isEnded(session)) return null;
  return session.status === 'failed'
    ? 'The session has failed before its context was saved.'
    : 'The session has ended meanwhile. Its context is saved at its end: see the versions of the context.';
}

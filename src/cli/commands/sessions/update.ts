import type { Command } from 'commander';
import type { UpdateOptions } from '../../../client/session';
import { connect, type Context } from '../../context';
import { UsageError } from '../../exit-codes';
import { SESSIONS, withWord } from '../../find';
import {
  duration,
  durationOrOff,
  example,
  labelChange,
  orNull,
  remote,
  wholeNumber,
  type DurationOrOff,
  type RemoteOptions,
} from '../../options';
import { printOne } from '../../output';
import { detailsOf, SESSION_WORD } from './views';

type Flags = RemoteOptions & {
  readonly timeout?: number;
  readonly expiresAt?: string;
  readonly idleTimeout?: DurationOrOff;
  readonly label?: Readonly<Record<string, string | null>>;
  readonly name?: string;
  readonly ifRevision?: number;
};

/** `holdfast sessions update`. */
export function registerUpdate(sessions: Command, context: Context): void {
  const command = sessions
    .command('update')
    .argument('<id>', SESSION_WORD)
    .summary('Extends, shortens, relabels or renames a session.')
    .description('Changes a session that has not ended. What no option names stays as it is.')
    .optionsGroup('Changes:')
    .option(
      '--timeout <duration>',
      'how long it may be live in total, counted from when it became live',
      duration,
    )
    .option('--expires-at <time>', 'when it times out, such as 2030-01-31T12:00:00Z')
    .option('--idle-timeout <duration>', 'the new idle time-out, counted from now; or off', durationOrOff)
    .option(
      '--label <name=value>',
      'adds or replaces a label, name- removes it; may be repeated',
      labelChange,
    )
    .option('--name <text>', 'a display name; an empty one removes it')
    .option(
      '--if-revision <n>',
      'only if it still has this revision',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    );
  example(
    remote(command),
    'holdfast sessions update 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5 --timeout 30m --label state=busy --label old-',
  ).action(async (id: string, flags: Flags) => {
    const changes = changesOf(flags);
    if (Object.keys(changes).length === 0) throw new UsageError('there is nothing to change; see --help');
    const client = connect(context, flags);
    const { ifRevision } = flags;
    const session = await withWord(SESSIONS, client, id, async one =>
      client.sessions.update(one, changes, { ifRevision }),
    );
    printOne(context.stdout, flags.output, session, found => found.id, detailsOf(context.clock.nowMs()));
  });
}

function changesOf({ timeout, expiresAt, idleTimeout, label, name }: Flags): UpdateOptions {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(idleTimeout === undefined ? {} : { idleTimeout: orNull(idleTimeout) }),
    ...(label === undefined ? {} : { labels: label }),
    ...(name === undefined ? {} : { name: name === '' ? null : name }),
  };
}

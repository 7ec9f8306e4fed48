import type { Command } from 'commander';
import { connect, type Context } from '../../context';
import { SESSIONS, withWord } from '../../find';
import { example, remote, type RemoteOptions } from '../../options';
import { printAll, printOne } from '../../output';
import { detailsOf, HISTORY, SESSION_WORD } from './views';

/** `holdfast sessions get`. */
export function registerGet(sessions: Command, context: Context): void {
  const command = sessions
    .command('get')
    .argument('<id>', SESSION_WORD)
    .description('Shows a session, also after its end.');
  example(
    remote(command),
    'holdfast sessions get 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5 --json | jq -r .websocketUrl',
  ).action(async (id: string, flags: RemoteOptions) => {
    const client = connect(context, flags);
    const session = await withWord(SESSIONS, client, id, async one => client.sessions.retrieve(one));
    printOne(context.stdout, flags.output, session, found => found.id, detailsOf(context.clock.nowMs()));
  });
}

/** `holdfast sessions events`. */
export function registerEvents(sessions: Command, context: Context): void {
  const command = sessions
    .command('events')
    .argument('<id>', SESSION_WORD)
    .description('Shows the history of a session: what happened, why, by whom and when.');
  example(remote(command), 'holdfast sessions events 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const events = await withWord(SESSIONS, client, id, async one => client.sessions.events(one));
      printAll(context.stdout, flags.output, events, HISTORY, { events });
    },
  );
}

/** `holdfast sessions open`. */
export function registerOpen(sessions: Command, context: Context): void {
  const command = sessions
    .command('open')
    .argument('<id>', SESSION_WORD)
    .summary('Shows where to look at a live session.')
    .description(
      'Waits until a session is live, then prints the address of the page that shows it, and its open pages. The ' +
        'address shows the session to anybody who has it, but does not give control of the browser.',
    );
  example(remote(command), 'holdfast sessions open 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (word: string, flags: RemoteOptions) => {
      const { stdout } = context;
      const client = connect(context, flags);
      const session = await withWord(SESSIONS, client, word, async one =>
        client.sessions.waitFor(one, 'live'),
      );
      const { id } = session;
      const details = await client.sessions.liveDetails(id);
      const address = session.viewerUrl;
      const shown = { id, address, pages: details.pages };
      printOne(
        stdout,
        flags.output,
        shown,
        () => id,
        () => [
          ['address', address],
          ...details.pages.map(({ title, url }) => ['page', `${url}  ${title}`] as const),
        ],
      );
    },
  );
}

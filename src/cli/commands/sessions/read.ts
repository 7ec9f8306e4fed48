import type { Command } from 'commander';
import { connect, type Context } from '../../context';
import { example, remote, type RemoteOptions } from '../../options';
import { printAll, printOne } from '../../output';
import { detailsOf, HISTORY } from './views';

/** `holdfast sessions get`. */
export function registerGet(sessions: Command, { stdout, clock }: Context): void {
  const command = sessions
    .command('get')
    .argument('<id>')
    .description('Shows a session, from any machine and also after its end.');
  example(
    remote(command),
    'holdfast sessions get 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5 --json | jq -r .websocketUrl',
  ).action(async (id: string, flags: RemoteOptions) => {
    const session = await connect(flags).sessions.retrieve(id);
    printOne(stdout, flags.output, session, found => found.id, detailsOf(clock.nowMs()));
  });
}

/** `holdfast sessions events`. */
export function registerEvents(sessions: Command, { stdout }: Context): void {
  const command = sessions
    .command('events')
    .argument('<id>')
    .description('Shows the history of a session: what happened, why, by whom and when.');
  example(remote(command), 'holdfast sessions events 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (id: string, flags: RemoteOptions) => {
      const events = await connect(flags).sessions.events(id);
      printAll(stdout, flags.output, events, HISTORY, { events });
    },
  );
}

/** `holdfast sessions open`. */
export function registerOpen(sessions: Command, { stdout, stderr }: Context): void {
  const command = sessions
    .command('open')
    .argument('<id>')
    .summary('Says how to look into a live session.')
    .description(
      'Waits until a session is live, prints its websocketUrl, and says what to do with it. There is no viewer for people yet; ' +
        'an address to look at is printed instead as soon as the service has one.',
    );
  example(remote(command), 'holdfast sessions open 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5').action(
    async (id: string, flags: RemoteOptions) => {
      const { sessions: all } = connect(flags);
      const session = await all.waitFor(id, 'live');
      const details = await all.liveDetails(id);
      const address = session.viewerUrl ?? session.websocketUrl ?? '';
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
      if (session.viewerUrl === null && flags.output === 'table')
        adviseOn(address, line => stderr.line(line));
    },
  );
}

function adviseOn(websocketUrl: string, say: (line: string) => void): void {
  say('There is no viewer yet. Connect to the whole browser with what you have:');
  say(`  puppeteer.connect({ browserWSEndpoint: '${websocketUrl}', defaultViewport: null })`);
  say(`  chromium.connectOverCDP('${websocketUrl}')`);
}

import type { Command } from 'commander';
import type { Browser } from '../../client/browser';
import { connect, type Context } from '../context';
import { Interrupted } from '../exit-codes';
import { interruptible } from '../interruption';
import { example, NAMELESS, remote, wholeNumber, type RemoteOptions } from '../options';
import { TopFeed } from '../top/feed';
import { FullScreen } from '../top/screen';
import { readSnapshot } from '../top/snapshot';
import { renderTop } from '../top/view';

type Flags = RemoteOptions & { readonly once?: true; readonly limit: number };

const REDRAW_EVERY_MS = 1_000;

/** `holdfast top`. */
export function registerTop(program: Command, context: Context): void {
  const command = program
    .command('top')
    .summary('Shows the installation live.')
    .description(
      'Shows slots, queues, starts and ends, time-outs, workers and the newest live sessions. ' +
        'Refreshes every second and after every event. q quits. Prints once without a terminal, with --once, ' +
        'and with -o json. Slots, queues, overdue time-outs, what is left behind, Redis and workers cover the ' +
        'whole installation. Sessions, starts and ends, start times and late time-outs cover your API key; the ' +
        'last two are of the newest 50 sessions of the last hour. ' +
        'Clients, streams and repairs of sweeps cover the API process that answers.',
    )
    .option('--once', 'print once and exit')
    .option('--limit <n>', 'the most sessions to show', wholeNumber(1, 100), 50);
  example(remote(command, NAMELESS), 'holdfast top', 'holdfast top --once --json | jq .capacity.free').action(
    async (flags: Flags) => {
      const client = connect(context, flags);
      const isScreen = context.stdout.isInteractive && !context.env.isDumb && flags.output === 'table';
      await (isScreen && flags.once !== true ? live(context, client, flags) : once(context, client, flags));
    },
  );
}

async function once({ stdout, clock }: Context, client: Browser, { limit, output }: Flags): Promise<void> {
  const nowMs = clock.nowMs();
  const snapshot = await readSnapshot(client, { limit, nowMs });
  if (output === 'table') {
    const frame = { nowMs, paint: stdout.paint, columns: stdout.width, rows: null };
    for (const line of renderTop({ snapshot, rates: null, outage: null }, frame)) stdout.line(line);
  } else stdout.line(JSON.stringify(snapshot, null, output === 'json' ? 2 : undefined));
}

async function live(context: Context, client: Browser, flags: Flags): Promise<void> {
  const { stdout, clock } = context;
  // An error at the start is shown on the normal screen, where it stays.
  await client.capacity();
  const screen = new FullScreen(process.stdin, process.stdout);
  const feed = new TopFeed(client, clock, () => Math.max(1, Math.min(flags.limit, screen.size.rows)));
  const draw = (): void =>
    screen.draw(renderTop(feed.state, { nowMs: clock.nowMs(), paint: stdout.paint, ...screen.size }));
  await interruptible(context, async interrupted => {
    const leaving = new AbortController();
    const leave = (reason?: unknown): void => leaving.abort(reason);
    const onInterrupt = (): void => leave(interrupted.reason);
    interrupted.addEventListener('abort', onInterrupt);
    if (interrupted.aborted) onInterrupt();
    const interval = setInterval(draw, REDRAW_EVERY_MS);
    screen.open(key => leave(key === 'quit' ? undefined : new Interrupted('SIGINT')), draw);
    try {
      await feed.run(leaving.signal, draw);
    } finally {
      clearInterval(interval);
      interrupted.removeEventListener('abort', onInterrupt);
      screen.close();
    }
    if (leaving.signal.reason instanceof Interrupted) throw leaving.signal.reason;
  });
}

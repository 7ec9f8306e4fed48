import type { Command } from 'commander';
import type { Usage, UsageFigures } from '../../client/fleet';
import { connect, type Context } from '../context';
import { formatAge } from '../durations';
import { example, NAMELESS, remote, type RemoteOptions } from '../options';
import { printAll, type View } from '../output';
import { sizeOf } from './contexts/views';

type Flags = RemoteOptions & { readonly from?: string; readonly to?: string };

type Row = UsageFigures & {
  readonly date: string;
  readonly reason: string;
  /** Only in the last row: they have no history. */
  readonly contexts?: Usage['contexts'];
};

const ROWS: View<Row> = {
  nameOf: ({ date }) => date,
  columns: [
    { title: 'DAY', of: ({ date }) => date },
    { title: 'REASON', of: ({ reason }) => reason },
    { title: 'SESSIONS', of: ({ sessions }) => String(sessions), align: 'right' },
    { title: 'LIVE', of: ({ liveSeconds }) => formatAge(liveSeconds * 1_000), align: 'right' },
    { title: 'STARTED MINUTES', of: ({ startedMinutes }) => String(startedMinutes), align: 'right' },
    { title: 'SENT', of: ({ sentBytes }) => sizeOf(sentBytes), align: 'right' },
    { title: 'RECEIVED', of: ({ receivedBytes }) => sizeOf(receivedBytes), align: 'right' },
    { title: 'REFUSED', of: ({ refused }) => String(refused), align: 'right' },
    {
      title: 'CONTEXTS',
      of: ({ contexts }) => (contexts === undefined ? '' : String(contexts.count)),
      align: 'right',
    },
    {
      title: 'SIZE',
      of: ({ contexts }) => (contexts === undefined ? '' : sizeOf(contexts.bytes)),
      align: 'right',
    },
  ],
};

/** `holdfast usage`. */
export function registerUsage(program: Command, context: Context): void {
  const command = program
    .command('usage')
    .description(
      'Shows the usage of your sessions, by the UTC day of their end and by end reason, and of your contexts.',
    )
    .option('--from <day>', 'the first day, such as 2030-01-01 (default: 30 days in total)')
    .option('--to <day>', 'the last day (today)');
  example(remote(command, NAMELESS), 'holdfast usage --from 2030-01-01 --to 2030-01-31').action(
    async (flags: Flags) => {
      const usage = await connect(context, flags).usage({ from: flags.from, to: flags.to });
      printAll(context.stdout, flags.output, rowsOf(usage), ROWS, usage);
    },
  );
}

function rowsOf({ days, total, contexts }: Usage): Row[] {
  const rows = days.flatMap(({ date, byEndReason }) =>
    Object.entries(byEndReason).map(([reason, figures]) => ({ date, reason, ...figures })),
  );
  return [...rows, { date: 'total', reason: '', ...total, contexts }];
}

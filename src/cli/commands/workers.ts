import type { Command } from 'commander';
import type { Worker } from '../../client/fleet';
import { connect, type Context } from '../context';
import { formatAge } from '../durations';
import { WORKERS, withWord } from '../find';
import { example, remote, type RemoteOptions } from '../options';
import { printAll, type View } from '../output';

/** Workers as a table. */
export function workersView(nowMs: number): View<Worker> {
  return {
    nameOf: ({ id }) => id,
    columns: [
      { title: 'ID', of: ({ id }) => id, isId: true, width: 36 },
      { title: 'HOST', of: ({ hostname }) => hostname ?? '–', minWidth: 8 },
      {
        title: 'STATE',
        of: worker => stateOf(worker),
        colour: worker => (({ lost: 'red', draining: 'yellow', ready: 'green' }) as const)[stateOf(worker)],
      },
      { title: 'USED', of: ({ used }) => String(used), align: 'right' },
      { title: 'WARM', of: ({ warm }) => String(warm), align: 'right' },
      { title: 'ASLEEP', of: ({ asleep }) => String(asleep), align: 'right' },
      { title: 'SLOTS', of: ({ slots }) => String(slots), align: 'right' },
      { title: 'LEASE', of: worker => leaseOf(worker, nowMs), align: 'right' },
    ],
  };
}

/** `holdfast workers …`. */
export function registerWorkers(program: Command, context: Context): void {
  const workers = program
    .command('workers')
    .description('Lists, drains and undrains the workers of the installation.');
  const list = workers.command('list').alias('ls').description('Lists the workers of the installation.');
  example(remote(list), 'holdfast workers list').action(async (flags: RemoteOptions) => {
    const found = await connect(context, flags).workers.list();
    printAll(context.stdout, flags.output, found, workersView(context.clock.nowMs()), { workers: found });
  });
  registerOrder(workers, context, 'drain', 'Launches no more sessions on a worker. Its live sessions go on.');
  registerOrder(workers, context, 'undrain', 'Launches sessions on a drained worker again.');
}

function registerOrder(
  workers: Command,
  context: Context,
  order: 'drain' | 'undrain',
  description: string,
): void {
  const { stdout, stderr, clock } = context;
  const command = workers
    .command(order)
    .argument('<id>', 'its id, the beginning of it, or its host')
    .description(description);
  example(remote(command), `holdfast workers ${order} 4ace64b4-bc6e-49c6-b6bb-b206c1a08217`).action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const worker = await withWord(WORKERS, client, id, async one => client.workers[order](one));
      if (worker === null) stderr.line(`Worker ${id} does not exist any more.`);
      else printAll(stdout, flags.output, [worker], workersView(clock.nowMs()), worker);
    },
  );
}

const stateOf = ({ alive, draining }: Worker): 'lost' | 'draining' | 'ready' =>
  alive ? (draining ? 'draining' : 'ready') : 'lost';

/* The remaining time of the lease; a negative time means that it has lapsed. */
function leaseOf({ leaseExpiresAt }: Worker, nowMs: number): string {
  if (leaseExpiresAt === null) return '–';
  const ms = Date.parse(leaseExpiresAt) - nowMs;
  return ms > 0 ? formatAge(ms) : `-${formatAge(-ms)}`;
}

import type { Command } from 'commander';
import { connect, type Context } from '../context';
import { example, NAMELESS, remote, type RemoteOptions } from '../options';
import { printOne } from '../output';

/** `holdfast capacity`. */
export function registerCapacity(program: Command, context: Context): void {
  const command = program
    .command('capacity')
    .description(
      'Shows the capacity of the installation: slots, used, free, free with a browser ready (warm), used with a browser that sleeps (asleep), and sessions that wait.',
    );
  example(remote(command, NAMELESS), 'holdfast capacity --json | jq .free').action(
    async (flags: RemoteOptions) => {
      const capacity = await connect(context, flags).capacity();
      printOne(
        context.stdout,
        flags.output,
        capacity,
        () => '',
        found => Object.entries(found).map(([name, value]) => [name, String(value)]),
      );
    },
  );
}

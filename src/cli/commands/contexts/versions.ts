import type { Command } from 'commander';
import { connect, type Context } from '../../context';
import { CONTEXTS, withWord } from '../../find';
import { example, remote, wholeNumber, type RemoteOptions } from '../../options';
import { printAll, printOne } from '../../output';
import { detailsOf } from '../sessions/views';
import { CONTEXT_WORD, versionsView } from './views';

/** `holdfast contexts versions`. */
export function registerVersions(contexts: Command, context: Context): void {
  const command = contexts
    .command('versions')
    .argument('<id>', CONTEXT_WORD)
    .description('Lists the kept versions of a context, the newest first.');
  example(remote(command), 'holdfast contexts versions github').action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const versions = await withWord(CONTEXTS, client, id, async one => client.contexts.versions(one));
      printAll(context.stdout, flags.output, versions, versionsView(context.clock.nowMs()), { versions });
    },
  );
}

/** `holdfast contexts restore`. */
export function registerRestore(contexts: Command, context: Context): void {
  const command = contexts
    .command('restore')
    .argument('<id>', CONTEXT_WORD)
    .argument('<version>', 'the number of a kept version', wholeNumber(1, 999_999_999))
    .description('Makes an older version of a context the current one: the next sessions get it.');
  example(remote(command), 'holdfast contexts restore github 3').action(
    async (id: string, version: number, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const restored = await withWord(CONTEXTS, client, id, async one =>
        client.contexts.restore(one, version),
      );
      printOne(context.stdout, flags.output, restored, one => one.id, detailsOf(context.clock.nowMs()));
    },
  );
}

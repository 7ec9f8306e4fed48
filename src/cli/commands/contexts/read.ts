import type { Command } from 'commander';
import type { ContextData, Contexts, ListContextsOptions } from '../../../client/contexts';
import { connect, type Context } from '../../context';
import { CONTEXTS, withWord } from '../../find';
import { example, labelSelector, momentBefore, remote, wholeNumber, type RemoteOptions } from '../../options';
import { printAll, printOne } from '../../output';
import { detailsOf } from '../sessions/views';
import { CONTEXT_WORD, contextsView } from './views';

type Flags = RemoteOptions & {
  readonly selector?: string;
  readonly since?: string;
  readonly before?: string;
  readonly limit: number;
};

const PAGE_MAX = 100;

/** `holdfast contexts list`. */
export function registerList(contexts: Command, context: Context): void {
  const moment = momentBefore(() => context.clock.nowMs());
  const command = contexts
    .command('list')
    .alias('ls')
    .description('Lists your contexts, the newest first.')
    .optionsGroup('Which:')
    .option(
      '-l, --selector <selector>',
      "labels, such as 'team=a,env!=prod' or 'team in (a,b)'",
      labelSelector,
    )
    .option('--since <time>', 'created after this time: 10m ago, or 2030-01-31T12:00:00Z', moment)
    .option('--before <time>', 'created before this time', moment)
    .option('--limit <n>', 'the most contexts to list', wholeNumber(1, 1_000_000), 50);
  example(remote(command), 'holdfast contexts list -l team=a').action(async (flags: Flags) => {
    const { found, isMore } = await read(connect(context, flags).contexts, flags);
    printAll(context.stdout, flags.output, found, contextsView(context.clock.nowMs()), { contexts: found });
    if (isMore)
      context.stderr.line(`There are more than ${flags.limit} contexts: raise --limit to see them.`);
  });
}

/** `holdfast contexts show`. */
export function registerShow(contexts: Command, context: Context): void {
  const command = contexts.command('show').argument('<id>', CONTEXT_WORD).description('Shows a context.');
  example(remote(command), 'holdfast contexts show github').action(
    async (id: string, flags: RemoteOptions) => {
      const client = connect(context, flags);
      const found = await withWord(CONTEXTS, client, id, async one => client.contexts.get(one));
      printOne(context.stdout, flags.output, found, one => one.id, detailsOf(context.clock.nowMs()));
    },
  );
}

async function read(
  contexts: Contexts,
  { selector, since, before, limit }: Flags,
): Promise<{ readonly found: ContextData[]; readonly isMore: boolean }> {
  const filters: ListContextsOptions = {
    labelSelector: selector,
    createdAfter: since,
    createdBefore: before,
  };
  const found: ContextData[] = [];
  // One more than requested, to know whether there are more.
  for await (const one of contexts.list({ ...filters, limit: Math.min(PAGE_MAX, limit + 1) })) {
    if (found.length === limit) return { found, isMore: true };
    found.push(one);
  }
  return { found, isMore: false };
}

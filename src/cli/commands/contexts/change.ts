import type { Command } from 'commander';
import type { UpdateContextOptions } from '../../../client/contexts';
import { connect, type Context } from '../../context';
import { exitCodeOf, ReportedFailure, UsageError } from '../../exit-codes';
import { printFailure } from '../../failure';
import { CONTEXTS, withWord } from '../../find';
import { example, label, labelChange, remote, wholeNumber, type RemoteOptions } from '../../options';
import { printAll, printOne, type View } from '../../output';
import { detailsOf } from '../sessions/views';
import { CONTEXT_WORD } from './views';

type CreateFlags = RemoteOptions & {
  readonly label?: Readonly<Record<string, string>>;
  readonly orGet?: true;
};

type UpdateFlags = RemoteOptions & {
  readonly name?: string;
  readonly label?: Readonly<Record<string, string | null>>;
  readonly ifRevision?: number;
};

/** `holdfast contexts create`. */
export function registerCreate(contexts: Command, context: Context): void {
  const command = contexts
    .command('create')
    .argument('[name]', 'a name that is unique among your contexts')
    .description('Creates an empty context. Sessions that are created with it save their logins into it.')
    .optionsGroup('Context:')
    .option('--label <name=value>', 'a label; may be repeated', label)
    .option('--or-get', 'if a context has the name, get that one unchanged');
  example(
    remote(command),
    'holdfast contexts create github --label team=a',
    'holdfast contexts create github --or-get -o name',
  ).action(async (name: string | undefined, flags: CreateFlags) => {
    // An empty name comes from a variable that is not set.
    if (name?.trim() === '') throw new UsageError('the name is empty: is a variable of the shell not set?');
    if (name === undefined && flags.orGet === true) throw new UsageError('--or-get needs a name');
    const made = await connect(context, flags).contexts.create({
      ...(name === undefined ? {} : { name }),
      ...(flags.label === undefined ? {} : { labels: flags.label }),
      ...(flags.orGet === true ? { ifExists: 'return' } : {}),
    });
    printOne(context.stdout, flags.output, made, one => one.id, detailsOf(context.clock.nowMs()));
  });
}

/** `holdfast contexts update`. */
export function registerUpdate(contexts: Command, context: Context): void {
  const command = contexts
    .command('update')
    .argument('<id>', CONTEXT_WORD)
    .summary('Renames or relabels a context.')
    .description('Renames or relabels a context. What no option names stays as it is.')
    .optionsGroup('Changes:')
    .option('--name <text>', 'the new name; an empty one removes it')
    .option(
      '--label <name=value>',
      'adds or replaces a label, name- removes it; may be repeated',
      labelChange,
    )
    .option(
      '--if-revision <n>',
      'only if it still has this revision',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    );
  example(remote(command), 'holdfast contexts update github --name github-ci --label team-').action(
    async (id: string, flags: UpdateFlags) => {
      const changes = changesOf(flags);
      if (Object.keys(changes).length === 0) throw new UsageError('there is nothing to change; see --help');
      const client = connect(context, flags);
      const { ifRevision } = flags;
      const changed = await withWord(CONTEXTS, client, id, async one =>
        client.contexts.update(one, changes, { ifRevision }),
      );
      printOne(context.stdout, flags.output, changed, one => one.id, detailsOf(context.clock.nowMs()));
    },
  );
}

const DELETED: View<{ readonly id: string }> = {
  nameOf: ({ id }) => id,
  columns: [{ title: 'ID', of: ({ id }) => id }],
};

/** `holdfast contexts delete`. */
export function registerDelete(contexts: Command, context: Context): void {
  const command = contexts
    .command('delete')
    .argument('<id...>', CONTEXT_WORD)
    .summary('Deletes contexts with all their versions.')
    .description(
      'Deletes contexts with all their versions. Sessions that use one go on; what they would save is dropped.',
    );
  example(remote(command), 'holdfast contexts delete github').action(
    async (words: readonly string[], flags: RemoteOptions) => {
      const { stdout, stderr } = context;
      const client = connect(context, flags);
      const deleted: { readonly id: string }[] = [];
      const failures: unknown[] = [];
      for (const word of words) {
        const removed = withWord(CONTEXTS, client, word, async id => {
          await client.contexts.delete(id);
          return { id };
        });
        await removed.then(
          one => deleted.push(one),
          (error: unknown) => failures.push(error),
        );
      }
      if (deleted.length > 0) printAll(stdout, flags.output, deleted, DELETED, { contexts: deleted });
      for (const failure of failures) printFailure(stderr, failure, flags.output);
      if (failures.length > 0) throw new ReportedFailure(exitCodeOf(failures[0]));
    },
  );
}

function changesOf({ name, label: labels }: UpdateFlags): UpdateContextOptions {
  return {
    ...(name === undefined ? {} : { name: name === '' ? null : name }),
    ...(labels === undefined ? {} : { labels }),
  };
}

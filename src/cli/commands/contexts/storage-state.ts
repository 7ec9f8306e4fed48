import { open, readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { StorageState } from '../../../client/contexts';
import { messageOf } from '../../../core/errors';
import { connect, type Context } from '../../context';
import { UsageError } from '../../exit-codes';
import { CONTEXTS, withWord } from '../../find';
import { connection, example, remote, type ConnectionOptions, type RemoteOptions } from '../../options';
import { printOne } from '../../output';
import { detailsOf } from '../sessions/views';
import { CONTEXT_WORD } from './views';

/** Logins are nobody else's business. */
const FILE_MODE = 0o600;

/** `holdfast contexts export`. */
export function registerExport(contexts: Command, context: Context): void {
  const command = contexts
    .command('export')
    .argument('<id>', CONTEXT_WORD)
    .argument('[file]', 'where to write it, readable for you alone (default: the standard output)')
    .summary('Writes the logins of a context as a file for Playwright.')
    .description(
      "Writes cookies and local storage of a context's current version as JSON, in the form of Playwright's " +
        'storageState. They are logins: who has the file is logged in.',
    );
  example(connection(command), 'holdfast contexts export github state.json').action(
    async (word: string, file: string | undefined, flags: ConnectionOptions) => {
      if (file === '') throw new UsageError('the file is empty: is a variable of the shell not set?');
      const client = connect(context, flags);
      const state = await withWord(CONTEXTS, client, word, async id => client.contexts.storageState(id));
      const text = JSON.stringify(state, null, 2);
      if (file === undefined) {
        context.stdout.line(text);
        return;
      }
      await writePrivately(file, `${text}\n`).catch((error: unknown) => {
        throw new UsageError(messageOf(error));
      });
      const { cookies, origins } = state;
      context.stderr.line(`Wrote ${cookies.length} cookies and the storage of ${origins.length} origins.`);
    },
  );
}

async function writePrivately(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', FILE_MODE);
  try {
    // A file that was there has kept its mode; a pipe or a device keeps it.
    if ((await handle.stat()).isFile()) await handle.chmod(FILE_MODE);
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}

/** `holdfast contexts import`. */
export function registerImport(contexts: Command, context: Context): void {
  const command = contexts
    .command('import')
    .argument('<id>', CONTEXT_WORD)
    .argument('<file>', "a file of Playwright's storageState")
    .summary('Makes a version of a context out of the logins in a file of Playwright.')
    .description(
      "Makes a version of a context out of cookies and local storage in the form of Playwright's storageState. The " +
        'version has nothing else, and becomes the current one.',
    );
  example(
    remote(command),
    'holdfast contexts import github state.json',
    'holdfast contexts export github | holdfast contexts import github-ci /dev/stdin',
  ).action(async (word: string, file: string, flags: RemoteOptions) => {
    const state = await stateIn(file);
    const client = connect(context, flags);
    const changed = await withWord(CONTEXTS, client, word, async id =>
      client.contexts.importStorageState(id, state),
    );
    printOne(context.stdout, flags.output, changed, one => one.id, detailsOf(context.clock.nowMs()));
  });
}

async function stateIn(file: string): Promise<StorageState> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(messageOf(error));
  });
  try {
    // SAFETY: the service checks it, and reports every field that is wrong.
    return JSON.parse(text) as StorageState;
  } catch {
    // The parser's own message quotes the text, which is a login.
    throw new UsageError(`${file} is not JSON`);
  }
}

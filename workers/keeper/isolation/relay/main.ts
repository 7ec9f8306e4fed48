import { basename, dirname } from 'node:path';
import { RunDirectory } from '../../process/run-directory';
import { RELAY_OPTION } from '../own-network';
import { openRelay } from './relay';

/** The keeper names the run directory like this, so that the relay ends with all processes that name it. */
const ARGUMENT = new RegExp(`^${RELAY_OPTION}=(.+)/$`);

/**
 * The relay of one browser, a process of its own in the browser's network. It believes nothing of the browser: what it
 * reads of it is a number, to which it connects where nobody else is.
 */
async function main(): Promise<void> {
  const [, path] = process.argv.map(argument => ARGUMENT.exec(argument)).find(found => found !== null) ?? [];
  if (path === undefined) throw new Error('there is no run directory');
  const directory = RunDirectory.at(dirname(path), basename(path));
  // Without it nobody notices that it is stopped; it carries all the same.
  await directory.nameRelay(process.pid).catch(() => undefined);
  await openRelay(directory);
}

void main();

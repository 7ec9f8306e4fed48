/*
 * Starts the companions of a browser in a process that has no file descriptors left, and prints the result. Run by a
 * test under a low `ulimit -n`; its argument is the run root.
 */
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { OPEN_EGRESS } from '../../src/config/egress';
import { createLogger } from '../../src/core/logger';
import { messageOf } from '../../src/core/errors';
import { systemProcesses } from '../../src/core/process-identity';
import { Companions } from '../../workers/keeper/companions/companions';
import { EgressTally } from '../../workers/keeper/companions/egress-tally';
import { PLAIN_LAUNCH, type LaunchOptions } from '../../workers/keeper/door/protocol';
import { RunDirectory } from '../../workers/keeper/process/run-directory';
import { recordsFolder } from '../../workers/keeper/process/run-root';

const PROXY = { server: 'http://127.0.0.1:1', username: 'ann', password: 'secret' };
const WISHES: readonly LaunchOptions[] = [
  { ...PLAIN_LAUNCH, proxy: PROXY },
  { ...PLAIN_LAUNCH, headless: false },
];

/** Takes all descriptors except `free` of them; answers a function that gives the others back. */
function takeDescriptors(free: number): () => void {
  const taken: number[] = [];
  const giveBack = (count: number): void => taken.splice(0, count).forEach(fd => closeSync(fd));
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    giveBack(free); // there are no more
  }
  return () => giveBack(taken.length);
}

async function main(runRoot: string): Promise<void> {
  await mkdir(recordsFolder(runRoot), { recursive: true });
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const log = createLogger('keeper', 'silent');
  const runtime = {
    user,
    searchPath: '/usr/bin',
    processes: systemProcesses,
    forwardProxyArgs: { http: ['never-started'], socks5: ['never-started'] },
    cage: null,
    egress: OPEN_EGRESS,
    egressTally: new EgressTally(log),
    log,
  };
  const said: string[] = [];
  process.on('uncaughtException', error => said.push(`uncaught: ${error.message}`));
  for (const options of WISHES) {
    const directory = RunDirectory.fresh(runRoot);
    await directory.make(user, { isCaged: false, isAhead: false });
    // The authority file of a display needs one descriptor.
    const giveBack = takeDescriptors(1);
    await Companions.start(directory, options, runtime, new AbortController().signal).catch(
      (error: unknown) => said.push(messageOf(error)),
    );
    await new Promise(resolve => setImmediate(resolve));
    giveBack();
  }
  process.stdout.write(JSON.stringify(said));
}

void main(process.argv[2] ?? '');

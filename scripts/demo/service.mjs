import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'holdfast');

/** Starts a whole service on a free port with a data folder of its own; `stop()` ends it and removes the folder. */
export async function startService() {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  // Browsers run as another user and must reach their run directories through this folder.
  chmodSync(dataDir, 0o711);
  const child = spawn(process.execPath, [PROGRAM, 'start'], {
    env: {
      ...process.env,
      HOLDFAST_HOST: '127.0.0.1',
      HOLDFAST_PORT: '0',
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_API_KEYS: '',
      HOLDFAST_PUBLIC_URL: '',
      REDIS_URL: '',
    },
    stdio: ['ignore', 'pipe', openSync(join(dataDir, 'stderr'), 'w')],
    // Ctrl-C goes to the demo only, which then stops the service.
    detached: true,
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(dataDir, { recursive: true, force: true });
  };
  const onSignal = () => void stop().then(() => process.exit(130));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return { url: await readyUrl(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the ready line; the log lines before it are shown if it never comes. */
async function readyUrl(child) {
  const seen = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^Holdfast is ready at (\S+)$/.exec(line)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
    seen.push(line);
  }
  throw new Error(`the service did not start:\n${seen.join('\n')}`);
}

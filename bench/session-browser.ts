import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../src/core/abort';
import { systemProcesses, type ProcessIdentity } from '../src/core/process-identity';
import type { Installation } from '../test/support/installation';
import { isWrapper } from '../test/support/proc';

/* The Chromium behind the one session of an installation, seen from outside. */

/** The browser's own process, not its shim and not its children. */
export async function browserOf(installation: Installation): Promise<ProcessIdentity> {
  const { pid } = await entryOf(installation);
  const identity = await systemProcesses.identify(pid);
  if (identity === null) throw new Error('the browser is gone');
  return identity;
}

/** The folder of the browser's profile. */
export async function profileOf(installation: Installation): Promise<string> {
  const { commandLine } = await entryOf(installation);
  return /--user-data-dir=(\S+)/.exec(commandLine)?.[1] ?? '';
}

/** Where the browser itself listens. */
export async function devToolsUrlOf(installation: Installation): Promise<string> {
  const profile = await profileOf(installation);
  const [port, path] = (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
  return `ws://127.0.0.1:${port ?? ''}${path ?? ''}`;
}

/** Waits until every process of every browser has gone. */
export async function untilNoBrowser(installation: Installation): Promise<void> {
  await pollUntil('the last browser process to be gone', { timeoutMs: 10_000, everyMs: 10 }, async () =>
    (await installation.browserProcesses()).length === 0 ? true : undefined,
  );
}

async function entryOf(installation: Installation): Promise<{ pid: number; commandLine: string }> {
  const browsers = (await systemProcesses.list()).filter(
    ({ commandLine }) =>
      commandLine.includes(`${installation.dir.path}/run`) &&
      commandLine.includes('--remote-debugging-port') &&
      !commandLine.includes('--type=') &&
      !isWrapper(commandLine),
  );
  const [browser, ...others] = browsers;
  if (browser === undefined || others.length > 0) throw new Error(`${browsers.length} browsers run, not one`);
  return browser;
}

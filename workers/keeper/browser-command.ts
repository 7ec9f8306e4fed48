import { chromiumArgs } from './chromium-args';
import type { RunDirectory } from './run-directory';

/** What the shim runs. */
export interface BrowserCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Makes the command line of one browser; `claimId` only tells null browsers apart. */
export type CommandFactory = (directory: RunDirectory, claimId: string) => BrowserCommand;

/** Real browsers. */
export function chromiumCommand(
  program: string,
  extraArgs: readonly string[],
  noSandbox: boolean,
): CommandFactory {
  return directory => ({ program, args: chromiumArgs({ profile: directory.profile, extraArgs, noSandbox }) });
}

/** Processes that cost nothing and are kept like browsers. */
export function nullBrowserCommand(script: string): CommandFactory {
  return (directory, claimId) => ({ program: '/bin/sh', args: [script, directory.path, `null-${claimId}`] });
}

/**
 * A browser's whole environment. Nothing of ours is inherited: pages can read it once they have broken out, and
 * settings of an operator's shell should not reach it by accident.
 */
export function browserEnv(directory: RunDirectory): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: directory.path,
    TMPDIR: directory.tmp,
    LANG: 'C.UTF-8',
  };
}

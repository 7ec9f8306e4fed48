import { chromiumArgs, chromiumEnv } from './chromium-args';
import { Companions, type CompanionSurroundings } from '../companions/companions';
import type { LaunchOptions } from '../door/protocol';
import type { RunDirectory } from './run-directory';

/** What the shim runs. */
export interface BrowserCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** What the browser's environment has beside what {@link browserEnv} gives to all of them. */
  readonly env: Readonly<Record<string, string>>;
  /** Running already. */
  readonly companions: Companions;
}

/** Starts what has to be there first and says what is to be run; the run directory is there. */
export type Prepare = (signal: AbortSignal) => Promise<BrowserCommand>;

/** Plans one browser; `claimId` only tells null browsers apart. */
export type CommandFactory = (directory: RunDirectory, claimId: string, options: LaunchOptions) => Prepare;

/** What all browsers of a keeper are started with. */
export interface ChromiumChoice {
  readonly program: string;
  /** The operator's flags. */
  readonly args: readonly string[];
  readonly noSandbox: boolean;
}

/** Real browsers. */
export function chromiumCommand(
  { program, args: extraArgs, noSandbox }: ChromiumChoice,
  around: CompanionSurroundings,
): CommandFactory {
  return (directory, _claimId, options) => async signal => {
    const companions = await Companions.start(directory, options, around, signal);
    const proxyServer = companions.proxyServer ?? options.proxy?.server ?? null;
    const { profile } = directory;
    return {
      program,
      args: [...chromiumArgs({ ...options, proxyServer, profile, extraArgs, noSandbox }), ...companions.args],
      env: { ...chromiumEnv(options), ...companions.env },
      companions,
    };
  };
}

/** Processes that cost nothing and are kept like browsers. */
export function nullBrowserCommand(script: string): CommandFactory {
  return (directory, claimId) => () =>
    Promise.resolve({
      program: '/bin/sh',
      args: [script, directory.path, `null-${claimId}`],
      env: {},
      companions: Companions.NONE,
    });
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

import { chromiumArgs, chromiumEnv } from './chromium-args';
import { Companions, type CompanionRuntime } from '../companions/companions';
import type { Reach } from '../firewall/ruleset';
import type { BrowserName } from '../../../machines/session/session.words';
import type { RunDirectory } from './run-directory';
import type { User } from './run-root';
import type { StartOptions } from './start-options';

/** The command that the shim runs. */
export interface BrowserCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Variables of the browser's environment in addition to {@link browserEnv}. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it has a DevTools server. */
  readonly hasDevTools: boolean;
  /** What it may send to, where there is a firewall. */
  readonly reach: Reach;
  /** The companions, whose processes are there already. */
  readonly companions: Companions;
}

/** Starts the companions and returns the command for a browser of this user; the run directory exists already. */
export type Prepare = (user: User, signal: AbortSignal) => Promise<BrowserCommand>;

/** Plans one browser; `claimId` only distinguishes null browsers. */
export type CommandFactory = (directory: RunDirectory, claimId: string, options: StartOptions) => Prepare;

/** The settings for all browsers of a keeper. */
export interface ChromiumChoice {
  /** The executables of this machine. */
  readonly programs: Readonly<Partial<Record<BrowserName, string>>>;
  /** For sessions that ask for none; one with windows gets the whole Chromium. */
  readonly byDefault: BrowserName;
  /** The operator's flags. */
  readonly args: readonly string[];
  readonly noSandbox: boolean;
}

/** Commands for real browsers. */
export function chromiumCommand(
  { programs, byDefault, args: extraArgs, noSandbox }: ChromiumChoice,
  runtime: Omit<CompanionRuntime, 'user'>,
): CommandFactory {
  return (directory, _claimId, options) => async (user, signal) => {
    const browser = options.browser ?? (options.headless ? byDefault : 'chromium');
    const program = programs[browser];
    if (program === undefined) throw new Error(`this machine has no ${browser}`);
    const companions = await Companions.start(directory, options, { ...runtime, user }, signal);
    const { proxyServer } = companions;
    const { profile } = directory;
    return {
      program,
      args: [
        ...chromiumArgs({ ...options, browser, proxyServer, profile, extraArgs, noSandbox }),
        ...companions.args,
      ],
      env: { ...chromiumEnv(options), ...companions.env },
      hasDevTools: true,
      reach: companions.reach,
      companions,
    };
  };
}

/** Commands for null browsers: processes without load that the keeper handles like browsers. */
export function nullBrowserCommand(script: string): CommandFactory {
  return (directory, claimId) => () =>
    Promise.resolve({
      program: '/bin/sh',
      args: [script, directory.path, `null-${claimId}`],
      env: {},
      hasDevTools: false,
      reach: 'everything',
      companions: Companions.NONE,
    });
}

/**
 * A browser's whole environment. Nothing is inherited from the keeper: pages that escape the sandbox could read it, and
 * settings of an operator's shell should not reach the browser by accident.
 */
export function browserEnv(directory: RunDirectory): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: directory.tmp,
    TMPDIR: directory.tmp,
    LANG: 'C.UTF-8',
  };
}

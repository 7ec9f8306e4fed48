import type { Fence } from '../../../machines/session/session.types';
import { KEEPER_LAUNCH_TIMEOUT_MS, type LaunchOptions } from '../door/protocol';
import type { KeeperDeps } from '../keeper-deps';
import { BrowserProcess, type LaunchLimits } from './browser-process';
import { RunDirectory } from './run-directory';
import type { StartOptions } from './start-options';

/** A run directory for the browser of a claim; nothing is created yet. */
export function directoryFor(
  { runRoot }: Pick<KeeperDeps, 'runRoot'>,
  { claimId }: Fence,
  { profile: { isMounted, isKept } }: LaunchOptions,
): RunDirectory {
  return RunDirectory.fresh(runRoot, { mountedFor: isMounted ? claimId : null, isKept });
}

/** What a browser is started for. */
export interface LaunchPlace {
  readonly directory: RunDirectory;
  /** Null: for nobody yet. Only distinguishes null browsers. */
  readonly fence: Fence | null;
}

/**
 * Starts a browser in a run directory.
 *
 * @throws LaunchError as {@link BrowserProcess.launch}.
 */
export function launchBrowser(
  { runtime, command }: Pick<KeeperDeps, 'runtime' | 'command'>,
  { directory, fence }: LaunchPlace,
  options: StartOptions,
  limits: LaunchLimits,
): Promise<BrowserProcess> {
  const timeoutMs = Math.min(limits.timeoutMs, KEEPER_LAUNCH_TIMEOUT_MS);
  const plan = command(directory, fence?.claimId ?? directory.name, options);
  return BrowserProcess.launch(directory, plan, runtime, { ...limits, timeoutMs });
}

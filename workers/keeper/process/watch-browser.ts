import { keepToQuota, type CutDownload } from '../downloads/download-quota';
import { watchRelay } from '../isolation/relay-watch';
import type { KeeperDeps } from '../keeper-deps';
import type { KeptBrowser } from './kept-browser';
import { keepWithinDisk } from './own-disk';
import { watchForks, watchLiveness } from './liveness';

/** What is done about a browser that is watched. */
export interface BrowserWatch {
  /** While it sleeps it cannot answer. */
  readonly isAsleep: () => boolean;
  /** Called with downloads that were cut off at the quota. */
  readonly onCut: (cuts: readonly CutDownload[]) => void;
}

/** Watches a running browser until it ends or `signal` is aborted. */
export function watchBrowser(
  browser: KeptBrowser,
  { liveness, runtime, clock }: Pick<KeeperDeps, 'liveness' | 'runtime' | 'clock'>,
  signal: AbortSignal,
  { isAsleep, onCut }: BrowserWatch,
): void {
  void watchLiveness(browser, liveness, signal, isAsleep);
  void watchForks(browser, signal);
  void watchRelay(browser, runtime, signal);
  void keepWithinDisk(browser, { runtime, clock }, signal, isAsleep);
  void keepToQuota(browser, { runtime, clock }, signal, onCut);
}

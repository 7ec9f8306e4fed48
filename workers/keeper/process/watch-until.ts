import { watch, type FSWatcher } from 'node:fs';
import { pause } from '../../../src/core/abort';

/** What to watch. */
export interface WatchOptions<T> {
  readonly folder: string;
  /** Only changes of these files trigger the probe. */
  readonly names: readonly string[];
  /** The probe runs this often in any case: notifications can be missing (limits, network volumes). */
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Answers null until the wait is over. */
  readonly probe: () => Promise<T | null>;
}

/**
 * Waits for something to appear in a folder: probes at once, at every notification and every `everyMs`.
 *
 * @throws the signal's reason when it is aborted, and anything that `probe` throws.
 */
export async function watchUntil<T>({ folder, names, everyMs, signal, probe }: WatchOptions<T>): Promise<T> {
  let wake: () => void = () => undefined;
  let noticed = false;
  const notice = (): void => {
    noticed = true;
    wake();
  };
  const watcher = tryWatch(folder, name => {
    if (name === null || names.includes(name)) notice();
  });
  signal.addEventListener('abort', notice);
  try {
    for (;;) {
      signal.throwIfAborted();
      noticed = false;
      const found = await probe();
      if (found !== null) return found;
      if (noticed) continue;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    signal.removeEventListener('abort', notice);
    watcher?.close();
  }
}

/** Reports changes in a folder since its creation; must be closed. */
export class FolderWatch {
  readonly #watcher: FSWatcher | null;
  #hasChanged = false;
  #wake: () => void = () => undefined;

  constructor(folder: string) {
    this.#watcher = tryWatch(folder, () => {
      this.#hasChanged = true;
      this.#wake();
    });
  }

  /**
   * Resolves at the first change, after `timeoutMs` (the only way without notifications), or when `signal` is aborted.
   */
  async changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (!this.#hasChanged) await pause(timeoutMs, AbortSignal.any([woken.signal, signal]));
  }

  close(): void {
    this.#watcher?.close();
  }
}

/** A watcher, or null: then only the regular probes remain. */
function tryWatch(folder: string, onChange: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, (_event, name) => onChange(name));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null; // no watches left, or the folder is gone, which the probe will find
  }
}

import type { Context } from './context';
import { Interrupted } from './exit-codes';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that must clean up when it is interrupted: Ctrl-C and other signals abort it with an {@link Interrupted},
 * and so does the end of the output's reader. A second signal ends the process at once. All other commands end at a
 * signal as usual.
 */
export async function interruptible<T>(
  { outputGone }: Pick<Context, 'outputGone'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interruption = new AbortController();
  const interrupt = (name: (typeof SIGNALS)[number]): void => {
    const reason = new Interrupted(name);
    if (interruption.signal.aborted) process.exit(reason.exitCode);
    interruption.abort(reason);
  };
  const onOutputGone = (): void => interruption.abort(new Interrupted('SIGPIPE'));
  if (outputGone.aborted) onOutputGone();
  for (const name of SIGNALS) process.on(name, interrupt);
  outputGone.addEventListener('abort', onOutputGone);
  try {
    return await work(interruption.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
    outputGone.removeEventListener('abort', onOutputGone);
  }
}

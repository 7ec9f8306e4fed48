import type { Context } from './context';
import { Interrupted } from './exit-codes';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does work that has something to put right when it is interrupted: Ctrl-C and its like abort the signal with an
 * {@link Interrupted}, and so does the end of whoever reads our output. A second one ends the process at once. All other
 * commands die of a signal as every program does.
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

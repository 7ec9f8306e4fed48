/* Calls at a fixed rate, whatever the answers take: how a service behaves under callers who do not wait for each other. */

/**
 * Starts `work` every `everyMs` milliseconds, `count` times; answers how long each took from the moment it was due. A call
 * that could not even be sent in time counts from then too: a stalled service is not spared the calls it has delayed.
 */
export async function openLoop(
  count: number,
  everyMs: number,
  work: (n: number) => Promise<void>,
): Promise<number[]> {
  const startMs = performance.now() + everyMs;
  const calls: Promise<number>[] = [];
  await new Promise<void>(resolve => {
    const sendDue = (): void => {
      while (calls.length < count && performance.now() >= startMs + calls.length * everyMs) {
        const dueMs = startMs + calls.length * everyMs;
        calls.push(work(calls.length).then(() => performance.now() - dueMs));
      }
      if (calls.length === count) resolve();
      else setTimeout(sendDue, Math.max(0, startMs + calls.length * everyMs - performance.now()));
    };
    sendDue();
  });
  return Promise.all(calls);
}

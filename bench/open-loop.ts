/* Calls at a fixed rate, however long the answers take: the load of callers that do not wait for each other. */

/**
 * Starts `work` every `everyMs` milliseconds, `count` times; answers how long each took from the moment it was due. A
 * call that could not be sent in time also counts from that moment, so that a stalled service does not look fast.
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

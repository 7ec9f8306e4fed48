/** How often a process under a supervisor says that it runs. */
export const SUPERVISED_BEAT_EVERY_MS = 1_000;

/**
 * Tells the supervisor over IPC, now and every second, that this process does not only exist but runs: a process that
 * hangs or was stopped says nothing, and is replaced. Does nothing in a process that nobody supervises.
 */
export function beatToSupervisor(): void {
  if (process.send === undefined) return;
  const beat = (): void => {
    if (process.connected) process.send?.({ beat: true });
  };
  beat();
  setInterval(beat, SUPERVISED_BEAT_EVERY_MS).unref();
}

/** How often a supervised process sends its heartbeat. */
export const SUPERVISED_BEAT_EVERY_MS = 1_000;

/**
 * Sends the supervisor a heartbeat over IPC, now and every second. A process that hangs or was stopped (SIGSTOP) sends
 * none and is replaced, although it still exists. Does nothing in a process that has no supervisor.
 */
export function beatToSupervisor(): void {
  if (process.send === undefined) return;
  const beat = (): void => {
    if (process.connected) process.send?.({ beat: true });
  };
  beat();
  setInterval(beat, SUPERVISED_BEAT_EVERY_MS).unref();
}

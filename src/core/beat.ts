/** How often a supervised process sends its heartbeat. */
const SUPERVISED_BEAT_EVERY_MS = 1_000;

/**
 * Sends the supervisor a heartbeat over IPC, now and every second. A process that hangs or was stopped (SIGSTOP) sends
 * none and is replaced, although it still exists. Does nothing in a process that has no supervisor.
 */
export function beatToSupervisor(): void {
  if (process.send === undefined) return;
  const beat = (): void => sendToSupervisor({ beat: true });
  beat();
  setInterval(beat, SUPERVISED_BEAT_EVERY_MS).unref();
}

/**
 * Sends the supervisor a message. One that is gone by now is no error here: the event `disconnect` says so to those who
 * want to know.
 */
export function sendToSupervisor(message: Readonly<Record<string, unknown>>): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

import type { Installation } from './installation';
import { pollUntil } from './poll-until';

/** What the live details say of sleep. */
export interface SleepDetails {
  readonly asleepSince: string | null;
  readonly pagesKnown: boolean;
}

/** Asks the keeper of a session, which wakes nothing; lists and the capacity are up to two seconds old. */
export async function sleepDetails(
  installation: Installation,
  { id }: { readonly id: string },
): Promise<SleepDetails> {
  return (await installation.call<SleepDetails>('GET', `/v1/sessions/${id}/live`)).body;
}

/** Resolves with the live details once the session sleeps. */
export function untilAsleep(
  installation: Installation,
  session: { readonly id: string },
  timeoutMs = 10_000,
): Promise<SleepDetails> {
  return pollUntil('a session to sleep', { timeoutMs, everyMs: 50 }, async () => {
    const found = await sleepDetails(installation, session);
    return found.asleepSince === null ? undefined : found;
  });
}

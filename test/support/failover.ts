import { checkHistory } from '../chaos/checker';
import type { Installation, SessionView } from './installation';
import { pollUntil } from './poll-until';

/** Resolves when a session can be created again, after the Redis of an installation was lost. */
export async function untilCreates(installation: Installation): Promise<void> {
  await pollUntil('a session to be created', { timeoutMs: 10_000, everyMs: 50 }, async () => {
    const { status, body } = await installation.call('POST', '/v1/sessions', {});
    if (status !== 201) return undefined;
    await installation.call('POST', `/v1/sessions/${body.id}/release`);
    return true;
  });
}

/** The histories of these sessions, and what is shown of them, keep the rules of the machine. */
export async function expectLegal(
  installation: Installation,
  sessions: readonly SessionView[],
): Promise<void> {
  for (const { id } of sessions) {
    const [view, history] = [await installation.read(id), await installation.history(id)];
    expect(checkHistory({ id, view, history })).toEqual([]);
  }
}

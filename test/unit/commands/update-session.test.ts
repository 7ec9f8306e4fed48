import { NO_ACTIVITY } from '../../../machines/session/session.deadlines';
import type { SessionSnapshot } from '../../../machines/session/session.types';
import { updateSession, type UpdateRequest } from '../../../src/commands/update-session';
import { ServiceError } from '../../../src/core/errors';
import { refOf } from '../../../src/core/ids';
import type { CommandOutcome } from '../../../src/engine/waiters';
import type { SessionCommand } from '../../../src/queue/payloads';
import type { LoadedSession } from '../../../src/store/session-record';
import { INPUT, SAMPLES, T0 } from '../../support/session-samples';

const ref = refOf(INPUT.tenant, INPUT.id);
const request: UpdateRequest = {
  ref,
  change: { name: 'new' },
  expiresAtMs: null,
  timeoutLimitsMs: { min: 1_000, max: 60_000 },
  ifRevision: null,
  actor: 'key:default',
  requestKey: null,
};

interface Stands {
  readonly before?: SessionSnapshot;
  readonly after?: SessionSnapshot;
  readonly isApplied?: boolean;
}

/** The command over a session with the state that it has before, and the one afterwards. */
function commandOver(outcome: CommandOutcome | null, stands: Stands = {}) {
  const { before = SAMPLES.live, after = before, isApplied = false } = stands;
  const sent: SessionCommand[] = [];
  const loaded = (snapshot: SessionSnapshot, applied: string[]): LoadedSession => ({
    nowMs: T0,
    applied,
    record: {
      ...{ ref, revision: 3, snapshot, fingerprint: '' },
      ...{ ...NO_ACTIVITY, tokenGeneration: 0, finalSave: null, traffic: null },
    },
  });
  const update = updateSession({
    sessions: {
      read: () => {
        const [command] = sent;
        if (command === undefined) return Promise.resolve(loaded(before, []));
        return Promise.resolve(loaded(after, isApplied ? [command.commandId] : []));
      },
    },
    commands: {
      send: command => {
        sent.push(command);
        return Promise.resolve(outcome);
      },
    },
  });
  return { update, sent };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'nothing was thrown',
    (thrown: unknown) => thrown,
  );
  return error instanceof ServiceError ? error.code : String(error);
}

describe('changing a session', () => {
  it.each<[CommandOutcome | null, string]>([
    ['precondition_failed', 'precondition_failed'],
    ['too_many_changes', 'too_many_changes'],
    ['deadline_passed', 'invalid_request'],
    ['too_many_labels', 'invalid_request'],
    ['fenced', 'outcome_unknown'],
    [null, 'outcome_unknown'],
  ])('answers %p with %s', async (outcome, code) => {
    expect(await codeOf(update(commandOver(outcome)))).toBe(code);
  });

  it('trusts the row when no answer came: an operation that is stored there was applied', async () => {
    const { update } = commandOver(null, { isApplied: true });
    expect(await update(request)).toMatchObject({ revision: 3 });
  });

  it('succeeds also if the session has ended right after the change', async () => {
    expect(await update(commandOver('committed', { after: SAMPLES.released }))).toMatchObject({
      snapshot: { value: 'released' },
    });
    expect(await codeOf(update(commandOver('ended', { after: SAMPLES.released })))).toBe('session_ended');
    expect(await codeOf(update(commandOver(null, { after: SAMPLES.released })))).toBe('session_ended');
  });

  it('sends nothing to a session that has ended before', async () => {
    const command = commandOver('committed', { before: SAMPLES.failed });
    expect(await codeOf(command.update(request))).toBe('session_ended');
    expect(command.sent).toEqual([]);
  });

  it('turns a moment into a duration, counted from when the session became live', async () => {
    const command = commandOver('committed');
    await command.update({ ...request, change: {}, expiresAtMs: T0 + 300 + 60_000 });
    expect(command.sent).toMatchObject([{ change: { timeoutMs: 60_000 } }]);
  });

  it('is the same operation under the same key, and another one for another change or revision', async () => {
    const idOf = async (changes: Partial<UpdateRequest>): Promise<string> => {
      const command = commandOver('committed');
      await command.update({ ...request, requestKey: 'k', ...changes });
      return command.sent[0]?.commandId ?? '';
    };
    const first = await idOf({});
    expect(await idOf({})).toBe(first);
    const others = await Promise.all([
      idOf({ change: { name: 'other' } }),
      idOf({ ifRevision: 3 }),
      idOf({ requestKey: 'l' }),
      idOf({ requestKey: null }),
      idOf({ requestKey: null }),
    ]);
    expect(new Set([first, ...others]).size).toBe(6);
  });

  const update = (command: ReturnType<typeof commandOver>) => command.update(request);
});

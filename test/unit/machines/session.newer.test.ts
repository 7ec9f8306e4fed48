import fc from 'fast-check';
import { readNewerSnapshot, type RowFields } from '../../../machines/session/session.newer';
import { SESSION_VALUES } from '../../../machines/session/session.words';
import { projectSession, statusOf } from '../../../machines/session/session.view';
import { SAMPLES } from '../../support/session-samples';

const ROW: RowFields = {
  tenant: 'default',
  id: 's-1',
  status: 'live',
  createdAtMs: 1_700_000_000_000,
  labels: { team: 'a' },
  deadlines: { session: 1_700_000_300_000, review: 5 },
};

describe('a row of a newer version', () => {
  it('is read as a session of this version, whatever its snapshot is', () => {
    const values = SESSION_VALUES.map(value => JSON.stringify(value));
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (stored, status, deadlines) => {
          const snapshot = readNewerSnapshot(stored, { ...ROW, status, deadlines });
          expect(values).toContain(JSON.stringify(snapshot.value));
          expect(projectSession(snapshot)).toMatchObject({
            id: 's-1',
            tenant: 'default',
            labels: { team: 'a' },
          });
        },
      ),
    );
  });

  it.each(Object.entries(SAMPLES))('shows what both versions know: %s', (_name, { value, context }) => {
    const row: RowFields = { ...ROW, ...context, status: statusOf({ value, context }) };
    const read = readNewerSnapshot(
      { value: 'a state of later days', context: { ...context, colour: 'red' } },
      row,
    );
    expect(projectSession(read)).toEqual(projectSession({ value, context }));
    expect(read.context.sealed).toBeNull();
  });

  it('gets its status from its times when the status is unknown', () => {
    const statusAt = (context: object): string =>
      statusOf(readNewerSnapshot({ context }, { ...ROW, status: 'paused' }));
    expect(statusAt({})).toBe('created');
    expect(statusAt({ liveAtMs: 1 })).toBe('live');
    expect(statusAt({ liveAtMs: 1, endedAtMs: 2 })).toBe('failed');
  });

  it('has only deadlines that this version knows, and no half of an address', () => {
    const { context } = readNewerSnapshot(
      { context: { endpoint: { port: 1 }, owner: { workerId: 'w' } } },
      ROW,
    );
    expect(context.deadlines).toEqual({ session: 1_700_000_300_000 });
    expect(context).toMatchObject({ endpoint: null, owner: null });
  });
});

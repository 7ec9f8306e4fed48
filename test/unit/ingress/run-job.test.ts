import { acceptRun, finishRun, forgetRun } from '../../../src/ingress/run-job';
import type { IngressParts } from '../../../src/ingress/parts';
import { jobKey, type IngressJob } from '../../../src/queue/ingress-job';

const JOB: IngressJob = {
  id: '7',
  name: 'session.run',
  data: { v: 1, sessionId: 'abc', steps: [{ do: 'pdf' }], then: 'keep' },
  addedAtMs: 1_000,
  signal: new AbortController().signal,
  report: () => undefined,
  dropData: () => Promise.resolve(),
};

describe('the progress of a job with steps whose end is not stored yet', () => {
  const forgotten: string[] = [];
  const store = {
    otherOf: () => Promise.resolve(null),
    load: () => Promise.resolve({ done: 1, outputs: ['{"step":1,"value":"won"}'] }),
    save: () => Promise.resolve(),
    forget: (key: string) => Promise.resolve(void forgotten.push(key)),
  };
  beforeEach(() => void (forgotten.length = 0));

  const partsOf = (getSession: () => Promise<unknown>): IngressParts =>
    // SAFETY: with all steps done nothing else is asked for.
    ({
      tenant: 'default',
      runs: { store },
      getSession,
      parseNewSession: () => ({}),
      views: { of: () => ({ id: 'abc', status: 'live', endReason: null, error: null }) },
    }) as unknown as IngressParts;

  it('is kept, so that the next consumer repeats no step', async () => {
    const parts = partsOf(() => Promise.resolve({}));
    const ref = await acceptRun(parts, JOB);
    const session = { id: 'abc', status: 'live', endReason: null };
    expect(await finishRun(parts, JOB, ref)).toEqual({
      result: { session, outputs: [{ step: 1, value: 'won' }] },
    });
    expect(forgotten).toEqual([]);
    await forgetRun({ store }, JOB);
    expect(forgotten).toEqual([jobKey(JOB)]);
  });

  it('is kept when the job failed', async () => {
    const parts = partsOf(() => Promise.reject(new Error('gone')));
    await expect(finishRun(parts, JOB, await acceptRun(parts, JOB))).rejects.toThrow('gone');
    expect(forgotten).toEqual([]);
  });

  it('does not exist without steps', async () => {
    await forgetRun({ store }, { ...JOB, name: 'session.create' });
    expect(forgotten).toEqual([]);
  });
});

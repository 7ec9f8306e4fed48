import { contextRefOf, type ContextRef } from '../../../../src/core/ids';
import { ContextStore } from '../../../../src/store/contexts/context-store';
import {
  ContextWriters,
  type WriterAnswer,
  type WriterClaim,
} from '../../../../src/store/contexts/context-writers';
import { createContext, newContext } from '../../../support/context-samples';
import { StoreFixture } from '../../../support/store-fixture';

describe('the sessions that save into a context', () => {
  let fixture: StoreFixture;
  let writers: ContextWriters;
  let ref: ContextRef;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    writers = new ContextWriters(fixture.redis, fixture.scripts);
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await fixture.redis.flushall();
    ref = await createContext(new ContextStore(fixture.redis, fixture.scripts));
  });

  const claim = async (sessionId: string, given: Partial<WriterClaim> = {}): Promise<WriterAnswer> =>
    writers.claim(ref, { sessionId, isExclusive: false, ended: [], ...given });
  const named = async (): Promise<string[]> =>
    (await writers.all(ref)).map(({ sessionId }) => sessionId).sort();

  it('may be many, unless one wants to be the only one', async () => {
    expect(await claim('a')).toEqual({ answer: 'OK' });
    expect(await claim('b')).toEqual({ answer: 'OK' });
    expect(await claim('c', { isExclusive: true })).toEqual({
      answer: 'IN_USE',
      writers: expect.arrayContaining([
        { sessionId: 'a', sinceMs: expect.any(Number) },
        { sessionId: 'b', sinceMs: expect.any(Number) },
      ]),
    });
    expect(await named()).toEqual(['a', 'b']);
  });

  it('wait for nobody behind an exclusive one: it is refused as well', async () => {
    expect(await claim('a', { isExclusive: true })).toEqual({ answer: 'OK' });
    expect(await claim('b')).toMatchObject({ answer: 'IN_USE', writers: [{ sessionId: 'a' }] });
    await writers.release(ref, 'a');
    expect(await claim('b')).toEqual({ answer: 'OK' });
  });

  it('let exactly one of fifty exclusive ones at once in', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => claim(`s-${i}`, { isExclusive: true })),
    );
    expect(answers.filter(({ answer }) => answer === 'OK')).toHaveLength(1);
    expect(await named()).toHaveLength(1);
  });

  it('register once, however often the claim is sent, and keep the time of the first', async () => {
    await claim('a', { isExclusive: true });
    const [before] = await writers.all(ref);
    expect(await claim('a', { isExclusive: true })).toEqual({ answer: 'OK' });
    expect(await writers.all(ref)).toEqual([before]);
  });

  it('make room when they are known to have ended', async () => {
    await claim('gone', { isExclusive: true });
    await claim('x');
    expect(await claim('b', { isExclusive: true, ended: ['gone'] })).toEqual({ answer: 'OK' });
    expect(await named()).toEqual(['b']);
  });

  it('cannot register for a context that does not exist', async () => {
    const none = contextRefOf('default', newContext().id);
    expect(await writers.claim(none, { sessionId: 'a', isExclusive: false, ended: [] })).toEqual({
      answer: 'MISSING',
    });
    expect(await writers.all(none)).toEqual([]);
  });
});

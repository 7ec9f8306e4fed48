import fc from 'fast-check';
import { keys } from '../../../src/redis/keys';
import { SessionIndex } from '../../../src/store/session-index';
import {
  idsFound,
  idsMeant,
  knownIds,
  knownLabels,
  knownTimes,
  selections,
  type KnownSession,
} from '../../support/known-sessions';
import { selector } from '../../support/label-selector';
import { T0 } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

/* Compares the index in Redis with a filter over plain objects: for every query both must give the same sessions. */

describe('selecting sessions', () => {
  let fixture: StoreFixture;
  let index: SessionIndex;
  const known: KnownSession[] = [];
  const ids = knownIds(90);
  const statuses = fc.constantFrom('created' as const, 'released' as const);

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    index = new SessionIndex(fixture.redis, fixture.scripts);
    const lives = fc.sample(fc.tuple(knownTimes, knownLabels, statuses), { numRuns: ids.length, seed: 7 });
    for (const [i, [nowMs, labels, status]] of lives.entries()) {
      const id = ids[i] ?? '';
      // Half of them get their labels by a change.
      const late = i % 2 === 0;
      const ref = await fixture.create(id, { nowMs, labels: late ? { team: 'x', gone: 'y' } : labels });
      const change = { labels: { team: null, gone: null, ...labels } };
      if (late) await fixture.commit(ref, 'update', { type: 'UPDATE', nowMs, change });
      if (status === 'released')
        await fixture.commit(ref, 'end', { type: 'RELEASE', reason: 'drained', nowMs });
      known.push({ id, createdAtMs: nowMs, labels, status });
    }
  });
  afterAll(() => fixture.close());

  it('gives the same sessions as a filter over all of them, in the same order, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        selections('created', 'released'),
        fc.constantFrom(1, 7, 100),
        async (asked, limit) => {
          expect(await idsFound(index, asked, limit)).toEqual(idsMeant(known, asked));
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);

  it('does not find a session by labels that it no longer has', async () => {
    const any = { statuses: [], createdAfterMs: null, createdBeforeMs: null };
    expect(await idsFound(index, { ...any, labels: selector('gone') }, 100)).toEqual([]);
    expect(await fixture.redis.exists(keys.indexLabel('default', 'gone=y'))).toBe(0);
  });

  describe('among thousands', () => {
    const MANY = 6_000;
    const tenant = 'crowd';
    const member = (i: number): string => `${(T0 + i).toString(16).padStart(12, '0')}s${i}`;
    const any = { tenant, statuses: [], createdAfterMs: null, createdBeforeMs: null, limit: 10 };

    beforeAll(async () => {
      const load = fixture.redis.pipeline();
      for (let i = 0; i < MANY; i += 1) {
        load.zadd(keys.indexAll(tenant), 0, member(i)).zadd(keys.indexLabel(tenant, 'a'), 0, member(i));
      }
      load.zadd(keys.indexLabel(tenant, 'rare=x'), 0, member(0));
      load.zadd(keys.indexLabel(tenant, 'rare=y'), 0, member(1));
      await load.exec();
    });

    it('goes on in bounded steps while nothing matches, and answers where it stopped', async () => {
      let pages = 0;
      let cursor: string | null = null;
      do {
        const page = await index.page({ ...any, labels: selector('!a'), cursor });
        expect(page.refs).toEqual([]);
        if (page.nextCursor !== null && cursor !== null) expect(page.nextCursor < cursor).toBe(true);
        cursor = page.nextCursor;
        pages += 1;
      } while (cursor !== null);
      expect(pages).toBe(3);
    });

    it('walks the smallest set: a few sessions with a rare label are on the first page', async () => {
      const page = await index.page({ ...any, labels: selector('a,rare in (x,y,z)'), cursor: null });
      expect(page).toEqual({ refs: ['crowd/s1', 'crowd/s0'], nextCursor: null });
    });
  });
});

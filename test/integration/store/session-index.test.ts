import type { SessionStatus } from '../../../machines/session/session.words';
import { SessionIndex } from '../../../src/store/session-index';
import { selector } from '../../support/label-selector';
import { T0 } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

describe('listing sessions', () => {
  let fixture: StoreFixture;
  let index: SessionIndex;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    index = new SessionIndex(fixture.redis, fixture.scripts);
    for (let i = 0; i < 25; i += 1) {
      await fixture.create(`s${i}`, { nowMs: T0 + i, labels: { odd: String(i % 2 === 1), team: 'search' } });
    }
    await fixture.create('foreign', { tenant: 'acme', nowMs: T0 });
    await fixture.commit('default/s3' as never, 'r', { type: 'RELEASE', reason: 'drained', nowMs: T0 + 99 });
  });
  afterAll(() => fixture.close());

  const all = async (
    filter: { statuses?: SessionStatus[]; selector?: string; afterMs?: number; beforeMs?: number },
    limit: number,
  ) => {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await index.page({
        tenant: 'default',
        statuses: filter.statuses ?? [],
        labels: filter.selector === undefined ? [] : selector(filter.selector),
        createdAfterMs: filter.afterMs ?? null,
        createdBeforeMs: filter.beforeMs ?? null,
        cursor,
        limit,
      });
      expect(page.refs.length).toBeLessThanOrEqual(limit);
      found.push(...page.refs.map(ref => ref.replace('default/', '')));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  };

  it('gives every session of the tenant once, newest first, whatever the page size', async () => {
    const newestFirst = Array.from({ length: 25 }, (_, i) => `s${24 - i}`);
    for (const limit of [1, 7, 25, 100]) expect(await all({}, limit)).toEqual(newestFirst);
  });

  it('filters by status and labels together', async () => {
    expect(await all({ statuses: ['released'] }, 10)).toEqual(['s3']);
    const odd = await all({ statuses: ['created'], selector: 'odd=true,team=search' }, 5);
    expect(odd).toEqual(['s23', 's21', 's19', 's17', 's15', 's13', 's11', 's9', 's7', 's5', 's1']);
    expect(await all({ selector: 'team=nobody' }, 5)).toEqual([]);
  });

  it('filters by several states at once, and by when sessions were created, both ends exclusive', async () => {
    expect(await all({ statuses: ['created', 'released'], afterMs: T0 + 1, beforeMs: T0 + 5 }, 2)).toEqual([
      's4',
      's3',
      's2',
    ]);
    expect(await all({ beforeMs: T0 }, 10)).toEqual([]);
    expect(await all({ afterMs: T0 + 24 }, 10)).toEqual([]);
  });

  it('keeps a page stable while sessions come and go', async () => {
    const any = { tenant: 'default', statuses: [], labels: [], createdAfterMs: null, createdBeforeMs: null };
    const first = await index.page({ ...any, cursor: null, limit: 10 });
    await fixture.create('newcomer', { nowMs: T0 + 1_000 });
    const second = await index.page({ ...any, cursor: first.nextCursor, limit: 10 });
    expect(second.refs[0]).toBe('default/s14');
  });
});

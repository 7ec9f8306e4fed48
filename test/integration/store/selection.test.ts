import fc from 'fast-check';
import type { SessionStatus } from '../../../machines/session/session.words';
import { keys } from '../../../src/redis/keys';
import type { LabelRequirement } from '../../../src/store/label-index';
import { SessionIndex, type Selection } from '../../../src/store/session-index';
import { selector } from '../../support/label-selector';
import { T0 } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

/* Compares the index in Redis with a filter over plain objects: for every query both must give the same sessions. */

interface Known {
  readonly id: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: SessionStatus;
}

const names = fc.constantFrom('team', 'env', 'app.kubernetes.io/name');
const values = fc.constantFrom('a', 'b', 'c', '', 'in (x)', 'größe');
const statuses = fc.constantFrom<SessionStatus[]>('created', 'released');
const createdAt = fc.integer({ min: T0, max: T0 + 40 });

const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    name: names,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.array(values, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ name: names, operator: fc.constantFrom('exists' as const, 'absent' as const) }),
);

const selection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.array(statuses, { maxLength: 3 }),
  labels: fc.array(requirement, { maxLength: 4 }),
  createdAfterMs: fc.option(createdAt),
  createdBeforeMs: fc.option(createdAt),
});

function meets(labels: Known['labels'], asked: LabelRequirement): boolean {
  const has = Object.hasOwn(labels, asked.name);
  switch (asked.operator) {
    case 'exists':
      return has;
    case 'absent':
      return !has;
    case 'in':
      return has && asked.values.includes(labels[asked.name] ?? '');
    case 'notin':
      return !has || !asked.values.includes(labels[asked.name] ?? '');
  }
}

function isMeant({ createdAtMs, labels, status }: Known, asked: Selection): boolean {
  return (
    (asked.statuses.length === 0 || asked.statuses.includes(status)) &&
    (asked.createdAfterMs === null || createdAtMs > asked.createdAfterMs) &&
    (asked.createdBeforeMs === null || createdAtMs < asked.createdBeforeMs) &&
    asked.labels.every(one => meets(labels, one))
  );
}

const memberOf = ({ createdAtMs, id }: Known): Buffer =>
  Buffer.from(createdAtMs.toString(16).padStart(12, '0') + id);

describe('selecting sessions', () => {
  let fixture: StoreFixture;
  let index: SessionIndex;
  const known: Known[] = [];

  /* Ids of every kind and many sessions in one millisecond: the order must not depend on the locale of a server. */
  const ids = fc.sample(
    fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/), { minLength: 90, maxLength: 90 }),
    {
      numRuns: 1,
      seed: 7,
    },
  )[0] as string[];

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    index = new SessionIndex(fixture.redis, fixture.scripts);
    const lives = fc.sample(fc.tuple(createdAt, fc.dictionary(names, values, { maxKeys: 3 }), statuses), {
      numRuns: ids.length,
      seed: 7,
    });
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
    known.sort((a, b) => Buffer.compare(memberOf(b), memberOf(a)));
  });
  afterAll(() => fixture.close());

  const found = async (asked: Selection, limit: number): Promise<string[]> => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await index.page({ tenant: 'default', ...asked, cursor, limit });
      expect(page.refs.length).toBeLessThanOrEqual(limit);
      seen.push(...page.refs.map(ref => ref.replace('default/', '')));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return seen;
  };

  it('gives the same sessions as a filter over all of them, in the same order, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(selection, fc.constantFrom(1, 7, 100), async (asked, limit) => {
        const meant = known.filter(session => isMeant(session, asked)).map(({ id }) => id);
        expect(await found(asked, limit)).toEqual(meant);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('does not find a session by labels that it no longer has', async () => {
    const any = { statuses: [], createdAfterMs: null, createdBeforeMs: null };
    expect(await found({ ...any, labels: selector('gone') }, 100)).toEqual([]);
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

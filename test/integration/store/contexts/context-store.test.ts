import { contextRefOf, type ContextRef } from '../../../../src/core/ids';
import { ContextIndex } from '../../../../src/store/contexts/context-index';
import type { ContextRecord } from '../../../../src/store/contexts/context-record';
import { ContextStore } from '../../../../src/store/contexts/context-store';
import { ContextVersions } from '../../../../src/store/contexts/context-versions';
import { DoomedBlobs } from '../../../../src/store/contexts/doomed-blobs';
import { createContext, newContext, versionCommit } from '../../../support/context-samples';
import { selector } from '../../../support/label-selector';
import { assertOnlyKeys } from '../../../support/redis-assertions';
import { T0 } from '../../../support/session-samples';
import { StoreFixture } from '../../../support/store-fixture';

describe('the rows of contexts', () => {
  let fixture: StoreFixture;
  let store: ContextStore;
  let index: ContextIndex;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    store = new ContextStore(fixture.redis, fixture.scripts);
    index = new ContextIndex(fixture.redis, fixture.scripts);
  });
  afterAll(() => fixture.close());
  beforeEach(() => fixture.redis.flushall());

  const read = async (ref: ContextRef): Promise<ContextRecord> => {
    const record = await store.find(ref);
    if (record === null) throw new Error(`${ref} does not exist`);
    return record;
  };
  const listed = async (tenant: string, labels: string | null = null): Promise<string[]> => {
    const any = { createdAfterMs: null, createdBeforeMs: null, cursor: null, limit: 100 };
    const page = await index.page({ tenant, labels: labels === null ? [] : selector(labels), ...any });
    return page.refs.map(String);
  };

  it('are empty contexts at first, found by id, by name and by label', async () => {
    const labels = { team: 'a', __proto__x: '' };
    const ref = await createContext(store, { name: 'github login', labels });
    const record = await read(ref);
    expect(record).toEqual({
      ref,
      tenant: 'default',
      id: ref.replace('default/', ''),
      name: 'github login',
      labels,
      revision: 1,
      currentVersion: 0,
      latestVersion: 0,
      createdAtMs: T0,
      updatedAtMs: T0,
      bytes: 0,
    });
    expect(await store.idOfName('default', 'github login')).toBe(record.id);
    expect(await listed('default', 'team=a')).toEqual([ref]);
    expect(await listed('default', 'team=b')).toEqual([]);
  });

  it('make one context of fifty creates with one name at once, and all others learn which', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => store.create(newContext({ name: 'n' }))),
    );
    const made = answers.filter(({ answer }) => answer === 'OK');
    const id = await store.idOfName('default', 'n');
    expect(made).toHaveLength(1);
    expect(answers.filter(answer => answer.answer === 'EXISTS' && answer.id === id)).toHaveLength(49);
    expect(await listed('default')).toHaveLength(1);
  });

  it('answer a create that is sent again with the context that it has made', async () => {
    const context = newContext({ name: 'n' });
    expect(await store.create(context)).toEqual({ answer: 'OK' });
    expect(await store.create(context)).toEqual({
      answer: 'IDEMPOTENT',
      id: context.id,
      fingerprint: context.fingerprint,
    });
    expect(await listed('default')).toHaveLength(1);
  });

  it('of two tenants do not meet: one name is a context in each (I14)', async () => {
    const mine = await createContext(store, { name: 'n' });
    const theirs = await createContext(store, { name: 'n', tenant: 'acme' });
    expect(await store.find(contextRefOf('acme', (await read(mine)).id))).toBeNull();
    expect(await listed('acme')).toEqual([theirs]);
  });

  it('change name and labels together, with the indexes of both', async () => {
    const before = await read(await createContext(store, { name: 'old', labels: { team: 'a', env: 'x' } }));
    const change = { before, opId: 'o-1', name: 'new', labels: { team: 'b' } };
    expect(await store.update(change)).toBe('OK');
    expect(await read(before.ref)).toMatchObject({ name: 'new', labels: { team: 'b' }, revision: 2 });
    expect([await store.idOfName('default', 'old'), await store.idOfName('default', 'new')]).toEqual([
      null,
      before.id,
    ]);
    expect(await listed('default', 'env')).toEqual([]);
    expect(await listed('default', 'team in (b)')).toEqual([before.ref]);
  });

  it('are changed once by an operation that arrives twice, and not by one that comes too late', async () => {
    const before = await read(await createContext(store, { name: 'n' }));
    const change = { before, name: 'm', labels: {} };
    expect(await store.update({ ...change, opId: 'o-1' })).toBe('OK');
    expect(await store.update({ ...change, opId: 'o-1' })).toBe('REPLAY');
    expect(await store.update({ ...change, opId: 'o-2', name: 'x' })).toBe('CONFLICT');
    expect(await read(before.ref)).toMatchObject({ name: 'm', revision: 2 });
  });

  it('do not take the name of another context, but may lose theirs', async () => {
    await createContext(store, { name: 'taken' });
    const before = await read(await createContext(store, { name: 'n' }));
    expect(await store.update({ before, opId: 'o-1', name: 'taken', labels: {} })).toBe('EXISTS');
    expect(await store.update({ before, opId: 'o-2', name: null, labels: {} })).toBe('OK');
    expect((await read(before.ref)).name).toBeNull();
    expect(await store.idOfName('default', 'n')).toBeNull();
    await createContext(store, { name: 'n' });
  });

  it('leave nothing behind when they are removed, except blobs to delete, notices and answers for repeats', async () => {
    const versions = new ContextVersions(fixture.redis, fixture.scripts);
    const ref = await createContext(store, { name: 'n', labels: { team: 'a' } });
    await versions.commit(versionCommit(ref, { saveId: 's' }));
    const stale = await read(ref);
    await versions.commit(versionCommit(ref, { saveId: 't', baseVersion: 1 }));
    expect(await store.remove(stale, 'o-0')).toBe('CONFLICT');
    const before = await read(ref);
    expect(await store.remove(before, 'o-1')).toBe('OK');
    expect(await store.remove(before, 'o-1')).toBe('REPLAY');
    expect(await store.remove(before, 'o-2')).toBe('MISSING');
    expect(await index.usage('default')).toEqual({ contexts: 0, bytes: 0 });
    const nowMs = await fixture.maintenance.nowMs();
    const doomed = new DoomedBlobs(fixture.redis);
    expect(await doomed.takeDueBlobs(nowMs + 590_000, 10)).toEqual([]);
    expect((await doomed.takeDueBlobs(nowMs + 600_000, 10)).sort()).toEqual(['blob-s', 'blob-t']);
    await assertOnlyKeys(fixture.server, [/^\{hf\}:(doomed$|notices$|ca:|idem:)/]);
    await createContext(store, { name: 'n' });
  });

  it('write nothing when Redis has no memory left', async () => {
    await fixture.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(store.create(newContext({ name: 'n' }))).rejects.toThrow(/OOM/);
      expect(await fixture.redis.dbsize()).toBe(0);
    } finally {
      await fixture.redis.config('SET', 'maxmemory', '0');
    }
  });
});

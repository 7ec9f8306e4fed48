import type { ContextRef } from '../../../../src/core/ids';
import { ContextIndex } from '../../../../src/store/contexts/context-index';
import type { VersionAnswer, VersionCommit } from '../../../../src/store/contexts/context-record';
import { ContextStore } from '../../../../src/store/contexts/context-store';
import { ContextVersions } from '../../../../src/store/contexts/context-versions';
import { DoomedBlobs } from '../../../../src/store/contexts/doomed-blobs';
import { createContext, versionCommit } from '../../../support/context-samples';
import { StoreFixture } from '../../../support/store-fixture';

const LATER_MS = 600_000;

describe('the versions of a context', () => {
  let fixture: StoreFixture;
  let store: ContextStore;
  let versions: ContextVersions;
  let index: ContextIndex;
  let blobs: DoomedBlobs;
  let ref: ContextRef;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    store = new ContextStore(fixture.redis, fixture.scripts);
    versions = new ContextVersions(fixture.redis, fixture.scripts);
    index = new ContextIndex(fixture.redis, fixture.scripts);
    blobs = new DoomedBlobs(fixture.redis);
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await fixture.redis.flushall();
    ref = await createContext(store);
  });

  const commit = async (given: Partial<VersionCommit> = {}): Promise<VersionAnswer> =>
    versions.commit(versionCommit(ref, given));
  const numbers = async (): Promise<number[]> => (await versions.all(ref)).map(({ version }) => version);
  const due = async (inMs = LATER_MS): Promise<string[]> =>
    (await blobs.takeDueBlobs((await fixture.maintenance.nowMs()) + inMs, 100)).sort();
  const restore = async (version: number, opId: string, ifRevision: number | null = null): Promise<string> =>
    versions.restore(ref, version, { opId, ifRevision });

  it('are numbered from 1, each current after the one before it', async () => {
    expect(await commit()).toEqual({ answer: 'OK', version: 1, isCurrent: true, revision: 2 });
    expect(await commit({ baseVersion: 1 })).toMatchObject({ version: 2, isCurrent: true, revision: 3 });
    expect(await store.find(ref)).toMatchObject({ currentVersion: 2, latestVersion: 2, bytes: 200 });
    expect(await numbers()).toEqual([2, 1]);
  });

  it('say where they come from', async () => {
    const { saveId, onConflict, keepVersions, tenantMaxBytes, ref: of, ...facts } = versionCommit(ref);
    await versions.commit({ saveId, onConflict, keepVersions, tenantMaxBytes, ref: of, ...facts });
    const version = await versions.find(ref, 1);
    expect(version).toEqual({ version: 1, createdAtMs: expect.any(Number), ...facts });
    expect(Math.abs((version?.createdAtMs ?? 0) - (await fixture.maintenance.nowMs()))).toBeLessThan(60_000);
    expect(await versions.find(ref, 2)).toBeNull();
  });

  it('do not overwrite one that came in between: with `keep` it stays current', async () => {
    await commit();
    await commit({ baseVersion: 1 });
    expect(await commit({ baseVersion: 1 })).toMatchObject({ version: 3, isCurrent: false });
    expect(await store.find(ref)).toMatchObject({ currentVersion: 2, latestVersion: 3 });
  });

  it('are in no conflict with those of their own session', async () => {
    await commit({ sessionId: 's-1' });
    expect(await commit({ sessionId: 's-1' })).toMatchObject({ version: 2, isCurrent: true });
    expect(await commit({ sessionId: 's-2' })).toMatchObject({ version: 3, isCurrent: false });
    expect(await commit({ sessionId: null })).toMatchObject({ version: 4, isCurrent: false });
    await commit({ sessionId: null, onConflict: 'replace' });
    expect(await commit({ sessionId: null })).toMatchObject({ version: 6, isCurrent: false });
  });

  it.each(['replace', 'refuse'] as const)(
    'become current whatever came in between with `%s`',
    async onConflict => {
      await commit();
      expect(await commit({ baseVersion: 0, onConflict })).toMatchObject({ version: 2, isCurrent: true });
    },
  );

  it('are made once by a save that is committed twice, and its own blob stays', async () => {
    const save = versionCommit(ref, { saveId: 'same' });
    expect(await versions.commit(save)).toEqual({ answer: 'OK', version: 1, isCurrent: true, revision: 2 });
    expect(await versions.commit(save)).toEqual({
      answer: 'REPLAY',
      version: 1,
      isCurrent: true,
      revision: 2,
    });
    expect(await numbers()).toEqual([1]);
    expect(await due()).toEqual([]);
    expect(await index.usage('default')).toEqual({ contexts: 1, bytes: 100 });
  });

  it('keep their blob when a repeat of the save has announced it again', async () => {
    await commit({ saveId: 'same', blobKey: 'b' });
    await blobs.expect('b', await fixture.maintenance.nowMs());
    expect(await commit({ saveId: 'same', blobKey: 'b' })).toMatchObject({ answer: 'REPLAY' });
    expect(await due(48 * 3_600_000)).toEqual([]);
  });

  it('do not leave the blob of a repeated save behind, if the repeat wrote another one', async () => {
    await commit({ saveId: 'same', blobKey: 'first' });
    expect(await commit({ saveId: 'same', blobKey: 'second' })).toMatchObject({
      answer: 'REPLAY',
      version: 1,
    });
    expect(await due()).toEqual(['second']);
  });

  it('are dropped beyond the number to keep, the oldest first, with their blobs ten minutes later', async () => {
    for (let version = 0; version < 7; version += 1)
      await commit({ baseVersion: version, blobKey: `b${version + 1}`, keepVersions: 3 });
    expect(await numbers()).toEqual([7, 6, 5]);
    expect(await store.find(ref)).toMatchObject({ bytes: 300 });
    expect(await index.usage('default')).toEqual({ contexts: 1, bytes: 300 });
    expect(await due(LATER_MS - 10_000)).toEqual([]);
    expect(await due()).toEqual(['b1', 'b2', 'b3', 'b4']);
    await blobs.forgetBlob('b2');
    expect(await due()).toEqual(['b1', 'b3', 'b4']);
  });

  it('never drop the current one or the one just made, however few are kept', async () => {
    await commit({ keepVersions: 1 });
    for (let i = 0; i < 3; i += 1) await commit({ baseVersion: 9, keepVersions: 1 });
    expect(await numbers()).toEqual([4, 1]);
    expect(await store.find(ref)).toMatchObject({ currentVersion: 1, bytes: 200 });
  });

  it('are refused when the contexts of the tenant would be too large, and their blob is not left behind', async () => {
    await commit({ blobKey: 'b1', keepVersions: 1, tenantMaxBytes: 150 });
    expect(await commit({ baseVersion: 7, blobKey: 'b2', tenantMaxBytes: 150 })).toEqual({
      answer: 'QUOTA',
      bytes: 100,
    });
    expect(await numbers()).toEqual([1]);
    expect(await due()).toEqual(['b2']);
    // The one that it replaces makes room for it.
    expect(
      await commit({ baseVersion: 1, blobKey: 'b3', keepVersions: 1, tenantMaxBytes: 150 }),
    ).toMatchObject({ answer: 'OK', version: 2 });
    expect(await index.totalBytes()).toBe(100);
  });

  it('are not made for a context that was deleted meanwhile, and leave no blob', async () => {
    const before = await store.find(ref);
    if (before === null) throw new Error('there is no context');
    await store.remove(before, 'o-1');
    expect(await commit({ blobKey: 'late' })).toEqual({ answer: 'MISSING' });
    expect(await due()).toEqual(['late']);
    expect(await index.totalBytes()).toBe(0);
  });

  it('take a blob off the list that was doomed when it was announced', async () => {
    await blobs.expect('written', await fixture.maintenance.nowMs());
    await blobs.expect('left', await fixture.maintenance.nowMs());
    await commit({ blobKey: 'written' });
    expect(await due(23 * 3_600_000)).toEqual([]);
    expect(await due(25 * 3_600_000)).toEqual(['left']);
  });

  it('can be restored: an older one is the current one again', async () => {
    await commit();
    await commit({ baseVersion: 1 });
    expect(await restore(1, 'o-1', 2)).toBe('CONFLICT');
    expect(await restore(1, 'o-1', 3)).toBe('OK');
    expect(await store.find(ref)).toMatchObject({ currentVersion: 1, latestVersion: 2, revision: 4 });
    // A session that had mounted version 2 now is one that another came in between of.
    expect(await commit({ baseVersion: 2 })).toMatchObject({ version: 3, isCurrent: false });
    expect(await restore(1, 'o-1', 3)).toBe('REPLAY');
    expect(await restore(9, 'o-2')).toBe('NO_VERSION');
  });

  it('keep the revision when the current one is restored', async () => {
    await commit();
    expect(await restore(1, 'o-1')).toBe('OK');
    expect(await store.find(ref)).toMatchObject({ currentVersion: 1, revision: 2 });
  });

  it('get a number each when fifty sessions save at once, and one is current', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => commit({ keepVersions: 100 })));
    expect(new Set(answers.map(answer => 'version' in answer && answer.version)).size).toBe(50);
    expect(answers.filter(answer => 'isCurrent' in answer && answer.isCurrent)).toHaveLength(1);
  });
});

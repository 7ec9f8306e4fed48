import { commitVersion, type CommitVersion } from '../../../src/engine/commit-version';
import { Metrics } from '../../../src/metrics/metrics';
import { Report } from '../../../src/metrics/report';
import { ContextStore } from '../../../src/store/contexts/context-store';
import { ContextVersions } from '../../../src/store/contexts/context-versions';
import { createContext, newContext, versionCommit } from '../../support/context-samples';
import { contextRefOf } from '../../../src/core/ids';
import { StoreFixture, testLog } from '../../support/store-fixture';

describe('a save of a context', () => {
  let fixture: StoreFixture;
  let metrics: Metrics;
  let save: CommitVersion;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
    metrics = new Metrics();
    const contextVersions = new ContextVersions(fixture.redis, fixture.scripts);
    save = commitVersion({ contextVersions, report: new Report(metrics, testLog) });
  });
  afterAll(() => fixture.close());

  it('is counted once by what became of it, however often it is repeated', async () => {
    const ref = await createContext(new ContextStore(fixture.redis, fixture.scripts));
    const first = versionCommit(ref);
    for (let i = 0; i < 3; i += 1) expect(await save(first)).toMatchObject({ version: 1, isCurrent: true });
    await save(versionCommit(ref, { baseVersion: 1 }));
    await save(versionCommit(ref, { baseVersion: 1 }));
    await save(versionCommit(ref, { tenantMaxBytes: 1 }));
    await save(versionCommit(contextRefOf('default', newContext().id)));
    const counted = (await metrics.registry.text())
      .split('\n')
      .filter(line => line.startsWith('holdfast_context_versions_total') && !line.endsWith(' 0'))
      .sort();
    expect(counted).toEqual([
      'holdfast_context_versions_total{result="context_deleted"} 1',
      'holdfast_context_versions_total{result="current"} 2',
      'holdfast_context_versions_total{result="kept_aside"} 1',
      'holdfast_context_versions_total{result="quota_exceeded"} 1',
    ]);
  });
});

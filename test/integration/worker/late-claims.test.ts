import { keys } from '../../../src/redis/keys';
import { awaitRecord } from '../../support/await-record';
import type { EngineFixture } from '../../support/engine-fixture';
import { TestLauncher } from '../../support/test-launcher';

describe('a session whose queue time is up', () => {
  let fixture: EngineFixture;
  let launcher: TestLauncher;

  beforeEach(async () => {
    launcher = await TestLauncher.open({ slots: 4 });
    ({ fixture } = launcher);
  });
  afterEach(() => launcher.close());

  it('ends as failed(queue_timeout) when a worker takes its launch job, and is not launched', async () => {
    const ref = await fixture.accept({ queueTimeoutMs: 1 });
    await launcher.start();
    const { snapshot } = await fixture.ended(ref);
    expect(snapshot).toMatchObject({ value: 'failed', context: { endReason: 'queue_timeout', owner: null } });
    expect(launcher.launched).toEqual([]);
    expect(await fixture.deps.redis.zscore(keys.due, `${ref}|queue`)).toBeNull();
  });

  it('is launched while some of its queue time is left', async () => {
    const ref = await fixture.accept({ queueTimeoutMs: 60_000 });
    await launcher.start();
    await awaitRecord(fixture.deps, ref, ({ snapshot }) => snapshot.value === 'live', 5_000);
    expect(launcher.launched).toEqual([ref]);
  });
});

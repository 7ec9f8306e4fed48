import { pollUntil } from '../../../src/core/abort';
import { EngineFixture } from '../../support/engine-fixture';
import { TestLauncher } from '../../support/test-launcher';

const WORKER_ID = 'w-launcher';

describe('a worker that is drained and has not heard of it yet', () => {
  let fixture: EngineFixture;
  let launcher: TestLauncher;

  beforeEach(async () => {
    fixture = await EngineFixture.open();
    launcher = new TestLauncher(fixture.deps, { slots: 4, workerId: WORKER_ID });
  });
  afterEach(async () => {
    await launcher.close();
    await fixture.close();
  });

  it('launches nothing that was created after the order, until the order is taken back', async () => {
    const { workers, waiters } = fixture.deps;
    await workers.setDrained(WORKER_ID, true);
    const ref = await fixture.accept();
    await launcher.start();
    await pollUntil('the job to be handed back', { timeoutMs: 5_000, everyMs: 5 }, () =>
      launcher.taken > 0 && launcher.slots.drainingSlots > 0 ? true : undefined,
    );
    expect(launcher.launched).toEqual([]);

    await workers.setDrained(WORKER_ID, false);
    launcher.slots.setDrained(false);
    await waiters.record(ref, ({ snapshot }) => snapshot.value === 'live', 5_000);
    expect(launcher.launched).toEqual([ref]);
  });
});

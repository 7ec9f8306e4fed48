import { awaitRecord } from '../../support/await-record';
import type { EngineFixture } from '../../support/engine-fixture';
import { LAUNCHER_ID, TestLauncher } from '../../support/test-launcher';
import { pollUntil } from '../../support/poll-until';

describe('a worker that is drained and has not received the order yet', () => {
  let fixture: EngineFixture;
  let launcher: TestLauncher;

  beforeEach(async () => {
    launcher = await TestLauncher.open({ slots: 4 });
    ({ fixture } = launcher);
  });
  afterEach(() => launcher.close());

  it('launches nothing that was created after the order, until the order is taken back', async () => {
    const { workers } = fixture.deps;
    await workers.setDrained(LAUNCHER_ID, true);
    const ref = await fixture.accept();
    await launcher.start();
    await pollUntil('the job to be handed back', { timeoutMs: 5_000, everyMs: 5 }, () =>
      launcher.taken > 0 && launcher.slots.drainingSlots > 0 ? true : undefined,
    );
    expect(launcher.launched).toEqual([]);

    await workers.setDrained(LAUNCHER_ID, false);
    launcher.slots.setDrained(false);
    await awaitRecord(fixture.deps, ref, ({ snapshot }) => snapshot.value === 'live', 5_000);
    expect(launcher.launched).toEqual([ref]);
  });
});

import { Worker } from 'bullmq';
import { blockingOptions } from '../../../src/redis/connection';
import { KEY_PREFIX } from '../../../src/redis/keys';
import { awaitRecord } from '../../support/await-record';
import { TestLauncher } from '../../support/test-launcher';
import { scaled } from '../../support/slowdown';

describe('a launch job whose taker does not know of it', () => {
  let launcher: TestLauncher;

  beforeEach(async () => (launcher = await TestLauncher.open({ slots: 4 })));
  afterEach(() => launcher.close());

  it('gets a copy, so that the session does not wait for the lapse of its lock', async () => {
    const { fixture } = launcher;
    const ref = await fixture.accept();
    await takeAndForget(fixture.server.url);
    await launcher.start();
    const beganMs = performance.now();
    await fixture.withSweeper(() =>
      awaitRecord(fixture.deps, ref, ({ snapshot }) => snapshot.value === 'live', 20_000),
    );
    // The lock itself lapses after ten seconds, and BullMQ looks for lapsed ones every five.
    expect(performance.now() - beganMs).toBeLessThan(scaled(9_500));
    expect(launcher.launched).toEqual([ref]);
  });
});

/* As if the answer to a fetch had been lost with its connection: the job is locked, and nobody works on it. */
async function takeAndForget(url: string): Promise<void> {
  const taker = new Worker('launch', null, {
    connection: blockingOptions(url),
    prefix: KEY_PREFIX,
    autorun: false,
  });
  try {
    await taker.waitUntilReady();
    expect(await taker.getNextJob('lost', { block: false })).toBeDefined();
  } finally {
    await taker.close(true);
  }
}

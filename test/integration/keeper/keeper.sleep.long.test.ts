import { once } from 'node:events';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pause } from '../../../src/core/abort';
import { joinWords } from '../../../workers/keeper/limits/cgroup';
import { canFreeze, cgroupsOf } from '../../support/cgroups';
import { cheapChromium } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';
import { openPage, SleepFixture, statesOf } from '../../support/sleep-fixture';

let fixture: SleepFixture;

afterEach(async () => {
  await fixture.close();
});

describe('a null browser that may sleep', () => {
  beforeEach(async () => {
    fixture = await SleepFixture.open();
  });

  it('never sleeps unless that was asked for', async () => {
    const { ref, claim } = await fixture.launch(60_000);
    await pause(1_500);
    expect(fixture.counts).toMatchObject({ asleep: 0, sleeps: 0 });
    await fixture.worker.close(ref, claim);
  });

  it('is awake under the next keeper, and sleeps again', async () => {
    const sleepy = await fixture.launch();
    await fixture.untilAsleep();
    const [name = ''] = await fixture.directories();
    await fixture.keeper.stopKeeper();
    await fixture.keeper.startKeeper();
    // What is thawed stands still until it has got a processor.
    await pollUntil('it to run', { timeoutMs: 2_000, everyMs: 5 }, () =>
      statesOf(join(fixture.runRoot, name)).every(state => !'DT'.includes(state)) ? true : undefined,
    );
    await fixture.worker.registration(1);
    expect(await fixture.recordOf(sleepy)).toMatchObject({ state: 'running' });
    await fixture.untilAsleep();
  });

  it('is removed by the next keeper if its end was ordered while it slept', async () => {
    const { ref, claim } = await fixture.launch();
    await fixture.untilAsleep();
    const ending = fixture.keeper.app.keeper.close(ref, claim.claimId);
    await fixture.keeper.stopKeeper();
    await ending.catch(() => undefined);
    await fixture.keeper.startKeeper();
    await pollUntil('nothing to be left', { timeoutMs: 5_000, everyMs: 10 }, async () =>
      (await fixture.directories()).length === 0 ? true : undefined,
    );
    expect(cgroupsOf(fixture.runRoot)).toEqual([]);
  });
});

describe('a browser that may sleep', () => {
  beforeEach(async () => {
    fixture = await SleepFixture.open({ browser: await cheapChromium() });
  });

  it('is not woken or kept awake by pings, which are answered all the same', async () => {
    const sleepy = await fixture.launch();
    const { socket } = await fixture.connect(sleepy);
    const pings = setInterval(() => socket.ping('still there?'), 200);
    await fixture.untilAsleep();
    const [data] = await once(socket, 'pong');
    expect(String(data)).toBe('still there?');
    await once(socket, 'pong');
    expect(fixture.counts).toMatchObject({ asleep: 1, wakes: 0 });
    clearInterval(pings);
    socket.terminate();
  });

  it('is held awake by a call, however little it says', async () => {
    const sleepy = await fixture.launch();
    const call = await fixture.connect(sleepy, 'call');
    await pause(2_000);
    expect(fixture.counts.sleeps).toBe(0);
    call.socket.terminate();
    await fixture.untilAsleep();
  });

  it('does not sleep while a page plays', async () => {
    const sleepy = await fixture.launch();
    const client = await fixture.connect(sleepy);
    const page = await openPage(client);
    const expression = `
      globalThis.audio = new AudioContext();
      const tone = new OscillatorNode(audio);
      tone.connect(audio.destination);
      tone.start();
      audio.resume().then(() => audio.state)`;
    const options = { expression, userGesture: true, awaitPromise: true, returnByValue: true };
    const { result } = await client.call<{ result: { value: string } }>('Runtime.evaluate', options, page);
    expect(result.value).toBe('running');
    await pause(2_500);
    expect(fixture.counts.sleeps).toBe(0);
    await client.call('Runtime.evaluate', { expression: 'audio.close()', awaitPromise: true }, page);
    // The next look may be ten seconds away.
    await fixture.untilAsleep(1, 20_000);
    client.socket.terminate();
  });

  it('is ended while it sleeps as soon as others, and leaves nothing behind', async () => {
    const { ref, claim } = await fixture.launch();
    await fixture.untilAsleep();
    const beganMs = performance.now();
    await fixture.worker.close(ref, claim);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    expect(await fixture.directories()).toEqual([]);
    expect(cgroupsOf(fixture.runRoot)).toEqual([]);
  });
});

(canFreeze() ? describe : describe.skip)('a cgroup that only freezes', () => {
  it('is removed with a fork bomb in it', async () => {
    fixture = await SleepFixture.open();
    const { ref, claim } = await fixture.launch(60_000);
    const [program = '', ...words] = joinWords(cgroupsOf(fixture.runRoot));
    const bomb = '(while :; do (sleep 0.05 &); done) & (while :; do (sleep 0.05 &); done) & wait';
    // It is killed with the browser.
    const bombed = promisify(execFile)(program, [...words, '/bin/sh', '-c', bomb]).catch(() => undefined);
    await pause(300);
    await fixture.worker.close(ref, claim);
    expect(cgroupsOf(fixture.runRoot)).toEqual([]);
    await bombed;
  });
});

import { OwnSessions } from '../../../src/client/own-sessions';

describe('the sessions that a process has made', () => {
  const otherListener = jest.fn();
  beforeEach(() => {
    // While another listener exists, the library does not end the process: so the signal does not kill the runner.
    process.on('SIGINT', otherListener);
    process.on('SIGTERM', otherListener);
  });
  afterEach(() => {
    process.off('SIGINT', otherListener);
    process.off('SIGTERM', otherListener);
  });
  const idle = async (): Promise<void> => new Promise(resolve => setImmediate(resolve));

  it('are released at a signal, even if one release fails', async () => {
    const release = jest.fn(async (id: string) =>
      id === 'a' ? Promise.reject(new Error('away')) : Promise.resolve(),
    );
    const own = new OwnSessions(release, true);
    for (const id of ['a', 'b', 'c']) own.add(id);
    own.delete('b');
    process.emit('SIGTERM');
    await idle();
    expect(release.mock.calls).toEqual([['a'], ['c']]);
    own.delete('a');
    own.delete('c');
  });

  it('include a create under way: it is given up first, and its outcome awaited', async () => {
    const steps: string[] = [];
    const own = new OwnSessions(async id => Promise.resolve(void steps.push(`release ${id}`)), true);
    const creation = new AbortController();
    const work = new Promise<void>((_resolve, reject) => {
      creation.signal.addEventListener('abort', () => {
        own.abandon(idle().then(() => void steps.push('abandoned')));
        reject(new Error('given up'));
      });
    });
    const during = own.during(creation, work).catch(() => steps.push('given up'));
    process.emit('SIGINT');
    await during;
    await idle();
    await idle();
    expect(steps).toEqual(['given up', 'abandoned']);
  });

  it('are the only reason to listen for signals', () => {
    const listeners = (): number[] => ['SIGINT', 'SIGTERM'].map(signal => process.listenerCount(signal));
    const one = new OwnSessions(async () => Promise.resolve(), true);
    const two = new OwnSessions(async () => Promise.resolve(), true);
    const careless = new OwnSessions(async () => Promise.resolve(), false);
    const before = listeners();
    one.add('a');
    two.add('b');
    careless.add('c');
    expect(listeners()).toEqual(before.map(count => count + 1));
    one.delete('a');
    expect(listeners()).toEqual(before.map(count => count + 1));
    two.delete('b');
    expect(listeners()).toEqual(before);
  });
});

import { Lifecycle } from '../../../src/core/lifecycle';

describe('a lifecycle', () => {
  it('closes in reverse order, one after another', async () => {
    const lifecycle = new Lifecycle();
    const closed: string[] = [];
    for (const name of ['redis', 'queue', 'server']) {
      lifecycle.defer(name, async () => {
        closed.push(`${name} begins`);
        await Promise.resolve();
        closed.push(`${name} done`);
      });
    }
    await lifecycle.close();
    expect(closed).toEqual([
      'server begins',
      'server done',
      'queue begins',
      'queue done',
      'redis begins',
      'redis done',
    ]);
  });

  it('closes everything, even if some of it fails, and then names what failed', async () => {
    const lifecycle = new Lifecycle();
    const closed: string[] = [];
    lifecycle.defer('redis', () => void closed.push('redis'));
    lifecycle.defer('queue', () => {
      throw new Error('broken pipe');
    });
    lifecycle.defer('server', () => Promise.reject(new Error('busy')));
    const failure: unknown = await lifecycle.close().catch((error: unknown) => error);
    expect(closed).toEqual(['redis']);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({
      errors: [
        { message: 'closing server failed', cause: { message: 'busy' } },
        { message: 'closing queue failed', cause: { message: 'broken pipe' } },
      ],
    });
  });

  it('closes each thing once', async () => {
    const lifecycle = new Lifecycle();
    const dispose = jest.fn();
    lifecycle.defer('redis', dispose);
    await lifecycle.close();
    await lifecycle.close();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('accepts nothing after it was closed, because it would never be closed', async () => {
    const lifecycle = new Lifecycle();
    await lifecycle.close();
    expect(() => lifecycle.defer('queue', () => undefined)).toThrow('cannot open queue');
  });

  it('closes once when it is called twice: both calls wait until everything is closed', async () => {
    const lifecycle = new Lifecycle();
    let finish: () => void = () => undefined;
    const closing = new Promise<void>(resolve => (finish = resolve));
    const ended: string[] = [];
    lifecycle.defer('redis', () => closing);
    const both = Promise.all([
      lifecycle.close().then(() => ended.push('first')),
      lifecycle.close().then(() => ended.push('second')),
    ]);
    await Promise.resolve();
    expect(ended).toEqual([]);
    finish();
    await both;
    expect(ended.sort()).toEqual(['first', 'second']);
  });
});

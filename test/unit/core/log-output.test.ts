import { LogOutput } from '../../../src/core/log-output';
import { createLogger } from '../../../src/core/logger';

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

/** A reader that takes as many bytes as a test decides. */
class Reader {
  /** How many bytes it has room for. */
  room = Infinity;
  /** The error with which every write fails. */
  failure: string | null = null;
  readonly output = new LogOutput(bytes => this.#take(bytes));
  text = '';

  get lines(): Record<string, unknown>[] {
    return this.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  }

  #take(bytes: Buffer): number {
    if (this.failure !== null) throw systemError(this.failure);
    const taken = bytes.subarray(0, this.room);
    if (taken.length === 0) throw systemError('EAGAIN');
    this.room -= taken.length;
    this.text += taken.toString();
    return taken.length;
  }
}

describe('log lines', () => {
  let reader: Reader;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    reader = new Reader();
  });
  afterEach(() => jest.useRealTimers());

  it('are written at once while the reader takes them', () => {
    reader.output.write('{"n":1}\n');
    expect(reader.text).toBe('{"n":1}\n');
  });

  it('wait for a reader that is slow, whole and in order', () => {
    reader.room = 10;
    for (const n of [1, 2, 3]) reader.output.write(`{"n":${n}}\n`);
    expect(reader.text).toBe('{"n":1}\n{"');
    reader.room = Infinity;
    jest.advanceTimersByTime(100);
    expect(reader.lines).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('are dropped beyond a megabyte that is not taken, and their number is logged', () => {
    const log = createLogger('test', 'info', reader.output);
    reader.room = 100;
    for (let n = 1; n <= 2_000; n += 1) log.info({ n, filling: 'x'.repeat(1_000) }, 'line');
    reader.room = Infinity;
    jest.advanceTimersByTime(100);
    const told = reader.lines.at(-1);
    expect(told).toMatchObject({ level: 'warn', msg: 'log lines were dropped: stdout was not read' });
    const kept = reader.lines.slice(0, -1);
    expect(kept.length).toBeGreaterThan(500);
    expect(kept.map(({ n }) => n)).toEqual(kept.map((_, i) => i + 1));
    expect(Number(told?.['lines']) + kept.length).toBe(2_000);
  });

  it('make room for a fatal line', () => {
    const log = createLogger('test', 'info', reader.output);
    reader.room = 100;
    for (let n = 1; n <= 2_000; n += 1) log.info({ filling: 'x'.repeat(1_000) }, 'line');
    reader.room = 3_000;
    log.fatal('the end');
    expect(reader.lines.map(({ msg }) => msg)).toEqual([
      'line',
      'the end',
      'log lines were dropped: stdout was not read',
    ]);
  });

  it.each(['ENOSPC', 'EIO', 'EPIPE'])('that fail with %s are counted in a later line', code => {
    const log = createLogger('test', 'info', reader.output);
    log.info('before');
    reader.failure = code;
    log.info('lost');
    log.info('lost');
    reader.failure = null;
    log.info('after');
    expect(reader.lines.map(({ msg, lines }) => [msg, lines])).toEqual([
      ['before', undefined],
      ['after', undefined],
      ['log lines were dropped: stdout was not read', 2],
    ]);
  });

  it('that break off half-way do not damage other lines', () => {
    reader.room = 10;
    for (const n of [1, 2]) reader.output.write(`{"n":${n}}\n`);
    reader.failure = 'ENOSPC';
    jest.advanceTimersByTime(100);
    reader.failure = null;
    reader.room = Infinity;
    reader.output.write('{"n":3}\n');
    expect(reader.text).toBe('{"n":1}\n{"\n{"n":3}\n');
  });
});

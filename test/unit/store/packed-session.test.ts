import { deflateRawSync } from 'node:zlib';
import { MACHINE_VERSION } from '../../../machines/session/session.versions';
import { DICTIONARIES } from '../../../src/store/pack-dictionary';
import { packSession, unpackSession, type EndedSession } from '../../../src/store/packed-session';
import { encodeCreation, encodeSnapshot, encodeTransition } from '../../../src/store/session-encoding';
import { EVENTS, INPUT, SAMPLES } from '../../support/session-samples';

const HEAD = { from: 'created', to: 'live', cause: 'requested', actor: 'key:default' } as const;

const LINES = [
  encodeCreation({ ...HEAD, event: 'created' }, INPUT),
  ...Object.values(EVENTS).map(event => encodeTransition({ ...HEAD, event: 'x' }, event)),
];

const session = (snapshot: string, lines: readonly string[] = LINES): EndedSession => ({
  ...{ mv: MACHINE_VERSION, snapshot, lines },
});

const packed = (one: EndedSession): Buffer => {
  const bytes = packSession(one);
  if (bytes === null) throw new Error('it was not packed');
  return bytes;
};

/* What this version packs, as a later one will find it. Never edit it; add those of other dictionaries. */
const GOLDEN = 'AaNJkYIlhxggAGZmQU516GFUCwA=';

describe('a packed session', () => {
  it.each(Object.entries(SAMPLES))('is read as it was: %s', (_name, snapshot) => {
    const ended = session(encodeSnapshot(snapshot));
    expect(unpackSession(packed(ended))).toEqual(ended);
  });

  it('may have letters of any language, and no history', () => {
    const ended = session('{"context":{"name":"Übergröße 漢字 🙂 \\n"}}', []);
    expect(unpackSession(packed(ended))).toEqual(ended);
  });

  it('takes a quarter of its text', () => {
    const ended = session(encodeSnapshot(SAMPLES.released), LINES.slice(0, 4));
    const text = [ended.snapshot, ...ended.lines].join('');
    expect(packed(ended).length).toBeLessThan(text.length / 4);
  });

  it('is read as long as there are sessions of the version that has packed it', () => {
    expect(unpackSession(Buffer.from(GOLDEN, 'base64'))).toEqual({
      mv: 8,
      snapshot: '{"value":"released","context":{"limits":{"timeoutMs":300000,"queueTimeoutMs":60000}}}',
      lines: ['{"seq":1,"at":1700000000000,"event":"created"}', '{"seq":2,"event":"release"}'],
    });
  });

  it('is not made of what no script has written, nor of what would take long to read', () => {
    expect(packSession(session('{\n}'))).toBeNull();
    expect(packSession(session('{}', ['{"a":1}\n{"seq":3}']))).toBeNull();
    expect(packSession(session('{}', ['x'.repeat(70_000)]))).toBeNull();
    expect(packSession(session('{}', ['x'.repeat(60_000)]))).not.toBeNull();
  });

  it('that is damaged, or was packed in another way, is none', () => {
    const whole = packed(session(encodeSnapshot(SAMPLES.released)));
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { windowBits: 12 });
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([1]),
      Buffer.from('{"value":"live"}'),
      whole.subarray(0, whole.length / 2),
      Buffer.concat([Buffer.from([2]), whole.subarray(1)]),
      Buffer.concat([Buffer.from([1]), bomb]),
      Buffer.concat([Buffer.from([1]), deflateRawSync('8', { dictionary: DICTIONARIES[1] })]),
    ])
      expect(unpackSession(bytes)).toBeNull();
  });
});

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_BROWSER_OPTIONS } from '../../../machines/session/session.types';
import {
  MACHINE_VERSION,
  NewerMachineVersionError,
  UnknownStateError,
  upgradeSnapshot,
} from '../../../machines/session/session.versions';
import { SESSION_VALUES } from '../../../machines/session/session.words';
import { projectSession } from '../../../machines/session/session.view';
import { step } from '../../../machines/step';
import { ENDPOINT, EVENTS, SAMPLES } from '../../support/session-samples';

/*
 * Snapshots that released versions have stored in Redis. Never edit these files; only add a folder for a new version.
 */
const GOLDEN = resolve(__dirname, '../../fixtures/snapshots');

const readGolden = (mv: number, name: string): unknown =>
  JSON.parse(readFileSync(join(GOLDEN, String(mv), `${name}.json`), 'utf8'));

const versions = readdirSync(GOLDEN).map(Number).sort();
const goldens = versions.flatMap(mv =>
  readdirSync(join(GOLDEN, String(mv))).map(file => [mv, file.replace('.json', '')] as const),
);

/** After the version was raised: writes what the machine makes today, to be checked and committed. */
function writeGoldenOfThisVersion(): void {
  const dir = join(GOLDEN, String(MACHINE_VERSION));
  if (existsSync(dir)) return;
  mkdirSync(dir);
  for (const [name, snapshot] of Object.entries(SAMPLES)) {
    writeFileSync(join(dir, `${name}.json`), `${JSON.stringify(snapshot, null, 2)}\n`);
  }
  throw new Error(`there was no ${dir}: read over what is in it now, commit it, run again`);
}

describe('stored snapshots', () => {
  beforeAll(writeGoldenOfThisVersion);

  it('of every version up to this one are under test', () => {
    expect(versions).toEqual(Array.from({ length: MACHINE_VERSION }, (_, index) => index + 1));
  });

  it.each(Object.entries(SAMPLES))('have not changed without a new version: %s', (name, snapshot) => {
    expect(snapshot).toEqual(readGolden(MACHINE_VERSION, name));
  });

  it.each(versions)('of version %i exist for every state', mv => {
    const values = readdirSync(join(GOLDEN, String(mv))).map(file => {
      const { value } = upgradeSnapshot(readGolden(mv, file.replace('.json', '')), mv);
      return JSON.stringify(value);
    });
    expect(new Set(values)).toEqual(new Set(SESSION_VALUES.map(value => JSON.stringify(value))));
  });

  it.each(goldens)('of version %i can be stepped and shown: %s', (mv, name) => {
    const snapshot = upgradeSnapshot(readGolden(mv, name), mv);
    const ended = step(snapshot, EVENTS.RELEASE);
    expect(ended.accepted).toBe(snapshot.context.endReason === null);
    expect(projectSession(ended.snapshot)).toMatchObject({
      id: snapshot.context.id,
      status: typeof ended.snapshot.value === 'string' ? ended.snapshot.value : 'created',
      endReason: ended.snapshot.context.endReason,
    });
  });
});

describe('upgrading', () => {
  it('leaves a snapshot of this version as it is', () => {
    expect(upgradeSnapshot(SAMPLES.live, MACHINE_VERSION)).toBe(SAMPLES.live);
  });

  it('gives a snapshot of version 1 the options that its browser has', () => {
    expect(upgradeSnapshot(readGolden(1, 'live'), 1).context).toMatchObject({
      options: DEFAULT_BROWSER_OPTIONS,
      sealed: null,
      endpoint: { ...ENDPOINT, gatewaySocket: null },
    });
    expect(upgradeSnapshot(readGolden(1, 'queued'), 1).context.endpoint).toBeNull();
  });

  it('refuses a row of a newer process', () => {
    expect(() => upgradeSnapshot(SAMPLES.live, MACHINE_VERSION + 1)).toThrow(NewerMachineVersionError);
  });

  it('refuses a version that never existed', () => {
    expect(() => upgradeSnapshot(SAMPLES.live, 0)).toThrow('no migration from machine version 0');
  });

  it.each([
    'paused',
    'created',
    { created: 'paused' },
    { created: 'queued', live: {} },
    { live: 'x' },
    {},
    5,
    null,
  ])('refuses the unknown state %j', value => {
    expect(() => upgradeSnapshot({ ...SAMPLES.live, value }, MACHINE_VERSION)).toThrow(UnknownStateError);
  });
});

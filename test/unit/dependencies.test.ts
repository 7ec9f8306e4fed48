import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/* What may come with `npm ci`: see docs/dependencies.md. */

interface Locked {
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = join(__dirname, '../..');

// SAFETY: npm wrote the file; the tests below look at what is in it.
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};
const locked = Object.entries(packages).filter(([path]) => path !== '');

/** Licences that let everybody run and pass on what is installed, without conditions for Holdfast itself. */
const LICENCES = [
  '(MIT OR CC0-1.0)',
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Python-2.0',
];

/** In tools for development only: data of browsers. */
const LICENCES_OF_TOOLS = ['CC-BY-4.0'];

/** MIT by their file LICENSE; their package.json is too old to say it in a way that npm reads. Tools only. */
const WITHOUT_A_NAME = ['busboy', 'humanize-number', 'only', 'streamsearch'].map(
  name => `node_modules/${name}`,
);

/** Setup installs with `--ignore-scripts`: each of these works without its script. */
const WITH_INSTALL_SCRIPTS = ['@parcel/watcher', '@swc/core', 'msgpackr-extract', 'puppeteer'];

describe('the lock file', () => {
  it('has packages', () => {
    expect(locked.length).toBeGreaterThan(100);
  });

  it('has packages with suitable licences only', () => {
    const isSuitable = (path: string, { license = '', dev = false }: Locked): boolean =>
      LICENCES.includes(license) ||
      (dev && (LICENCES_OF_TOOLS.includes(license) || WITHOUT_A_NAME.includes(path)));
    const others = locked.filter(([path, entry]) => !isSuitable(path, entry));
    expect(others.map(([path, { license }]) => `${path}: ${license ?? 'none'}`)).toEqual([]);
  });

  it('has a digest of each package that is not for another platform', () => {
    const others = locked.filter(
      ([, { integrity = '', optional = false }]) => !optional && !integrity.startsWith('sha512-'),
    );
    expect(others.map(([path]) => path)).toEqual([]);
  });

  it('has packages of the registry only, whose address is not in it', () => {
    expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it('has no package that needs a script to be installed, but for those that work without', () => {
    const names = locked
      .filter(([, { hasInstallScript = false }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(names).toEqual(WITH_INSTALL_SCRIPTS);
  });
});

it('docs/dependencies.md gives a reason for every package that is asked for', () => {
  const reasons = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  // SAFETY: as above.
  const asked = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  // `npm:steel-sdk@0.7.0` is another version of a package, under an alias.
  const names = Object.entries({ ...asked.dependencies, ...asked.devDependencies }).map(
    ([name, version]) => /^npm:(.+)@/.exec(version)?.[1] ?? name,
  );
  const isNamed = (name: string): boolean => reasons.includes(name) || name.startsWith('@types/');
  expect(names.filter(name => !isNamed(name))).toEqual([]);
});

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of dist that hold the libraries, and their names in the package. */
const FORMS = { esm: 'esm', src: 'cjs' };
const LIBRARIES = ['client', 'producer'];

/**
 * Packages that a caller installs if it needs them: a browser library to connect; BullMQ and ioredis for the producer.
 */
const PEERS = {
  bullmq: '^6.3.3',
  ioredis: '^6.0.0',
  playwright: '>=1.40',
  'playwright-core': '>=1.40',
  puppeteer: '>=22',
  'puppeteer-core': '>=22',
};

/** Writes the package `holdfast-client` into an empty folder: the files of the build, under a manifest of its own. */
export function writeClientPackage(root, folder) {
  for (const [built, form] of Object.entries(FORMS)) {
    for (const library of LIBRARIES)
      copyModules(join(root, 'dist', built, library), join(folder, form, library));
  }
  copyAll(join(root, 'docs', 'jobs'), join(folder, 'jobs'), () => true);
  copyFileSync(join(root, 'dist', 'esm', 'package.json'), join(folder, 'esm', 'package.json'));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(root, 'docs', 'client.md'), join(folder, 'README.md'));
  const manifest = manifestOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function manifestOf({ version, license, engines }) {
  return {
    name: 'holdfast-client',
    version,
    description: 'Client library of Holdfast: durable browser sessions for Puppeteer and Playwright.',
    license,
    engines,
    sideEffects: false,
    type: 'commonjs',
    main: './cjs/client/holdfast.js',
    types: './cjs/client/holdfast.d.ts',
    typesVersions: { '*': { producer: ['./cjs/producer/producer.d.ts'] } },
    exports: {
      '.': entry('client/holdfast'),
      './producer': entry('producer/producer'),
      './jobs/*': './jobs/*',
      './package.json': './package.json',
    },
    peerDependencies: PEERS,
    peerDependenciesMeta: Object.fromEntries(Object.keys(PEERS).map(name => [name, { optional: true }])),
  };
}

const entry = path => ({
  import: { types: `./esm/${path}.d.ts`, default: `./esm/${path}.js` },
  require: { types: `./cjs/${path}.d.ts`, default: `./cjs/${path}.js` },
});

/** Source maps are left out: the sources they point to are not in the package. */
function copyModules(from, to) {
  copyAll(from, to, name => !name.endsWith('.map'));
  for (const name of readdirSync(to)) {
    const file = join(to, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
  }
}

function copyAll(from, to, isWanted) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter(isWanted)) copyFileSync(join(from, name), join(to, name));
}

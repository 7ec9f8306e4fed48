/* Tiers in one run, on workers that all of them share (see test/README.md). */

const swc = [
  '@swc/jest',
  {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022', keepClassNames: true },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

/* string-width and what it needs are ES modules only: Node 20 can require them, jest cannot before Node 24.9. */
const MODULES = '(?:string-width|get-east-asian-width|strip-ansi|ansi-regex)/';

/**
 * @param {'unit' | 'integration' | 'e2e' | 'long'} tier
 * @param {string[]} folders
 * @returns {import('jest').Config}
 */
const project = (tier, folders = [tier]) => ({
  displayName: tier,
  rootDir: __dirname,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: folders.map(folder => `<rootDir>/test/${folder}`),
  testMatch: [tier === 'long' ? '**/*.long.test.ts' : '**/!(*.long).test.ts'],
  transform: { '^.+\\.ts$': swc, [`/node_modules/${MODULES}.+\\.js$`]: swc },
  transformIgnorePatterns: [`/node_modules/(?!${MODULES})`],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  testEnvironment: '<rootDir>/test/support/environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/before-each-test.ts'],
});

/** @type {import('jest').Config} */
module.exports = {
  // Many files wait for processes and deadlines most of the time: more workers than cores. Not many more: on two cores
  // that are shared by ten processes at a time, a start took 1.7 times as much processor time as alone.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/tier-sequencer.cjs',
  // It ends what hangs. Times that are promised are asserted by the tests.
  testTimeout: 120_000,
  projects: [
    project('unit'),
    project('integration'),
    project('e2e'),
    project('long', ['integration', 'e2e']),
  ],
};

/* Three tiers in one run, on workers that all of them share (see test/README.md). */

/** @type {import('jest').Config['transform']} */
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022', keepClassNames: true },
      module: { type: 'commonjs' },
      sourceMaps: 'inline',
    },
  ],
};

/**
 * @param {'unit' | 'integration' | 'e2e'} tier
 * @returns {import('jest').Config}
 */
const project = tier => ({
  displayName: tier,
  rootDir: __dirname,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: [`<rootDir>/test/${tier}`],
  testMatch: ['**/*.test.ts'],
  transform,
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  testEnvironment: '<rootDir>/test/support/environment.ts',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
});

/** @type {import('jest').Config} */
module.exports = {
  // Most files wait for processes and deadlines most of the time: more workers than cores.
  maxWorkers: 4,
  testSequencer: '<rootDir>/test/support/tier-sequencer.cjs',
  testTimeout: 30_000,
  projects: [
    project('unit'),
    project('integration'),
    {
      ...project('e2e'),
      setupFilesAfterEnv: ['<rootDir>/test/support/e2e-timeout.ts'],
    },
  ],
};

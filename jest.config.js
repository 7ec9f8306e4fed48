/* Three tiers in one run: unit and integration share two workers, e2e follows alone (see test/README.md). */

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
  maxWorkers: 2,
  testTimeout: 30_000,
  projects: [
    project('unit'),
    project('integration'),
    {
      ...project('e2e'),
      runner: '<rootDir>/test/support/serial-runner.ts',
      setupFilesAfterEnv: ['<rootDir>/test/support/e2e-timeout.ts'],
    },
  ],
};

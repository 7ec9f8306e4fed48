import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { IMPORT_SETTINGS } from './scripts/eslint/import-settings.mjs';
import { layerZones } from './scripts/eslint/layers.mjs';
import { noCycle } from './scripts/eslint/no-cycle.mjs';
import { requireSafety } from './scripts/eslint/require-safety.mjs';
import { requireTsdoc } from './scripts/eslint/require-tsdoc.mjs';
import { singleImporters } from './scripts/eslint/single-importers.mjs';

const SOURCES = ['machines/**/*.ts', 'src/**/*.ts', 'workers/**/*.ts', 'observability/**/*.ts'];
const TESTS = ['test/**/*.ts', 'bench/**/*.ts'];
const PLAIN = ['**/*.{js,cjs,mjs}'];

const only = (object, property, where) => ({
  object,
  property,
  message: `${object}.${property} is allowed only in ${where}.`,
});
const ENVIRONMENT = only('process', 'env', 'src/config/env.ts; other modules get a Config');
const WALL_CLOCK = only('Date', 'now', 'src/core/clock.ts; session time is Redis TIME');
const RACE = {
  object: 'Promise',
  property: 'race',
  message: 'Promise.race leaves the timer of the loser running: use withDeadline of src/core/abort.ts.',
};
const NEW_DATE = {
  selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
  message: 'new Date() reads the wall clock: that is allowed only in src/core/clock.ts.',
};
const SPREAD_PARTS = {
  selector: 'ObjectExpression > SpreadElement > Identifier[name=/^(deps|parts)$/]',
  message: 'Name each dependency that a part gets, so that a reader finds where it comes from.',
};

const limits = (lines, linesPerFunction) => {
  const ignored = { skipBlankLines: true, skipComments: true };
  return {
    'max-lines': ['error', { max: lines, ...ignored }],
    'max-lines-per-function':
      linesPerFunction === null ? 'off' : ['error', { max: linesPerFunction, ...ignored }],
  };
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**', '.holdfast/**'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },

  /* Everything. */
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-restricted-properties': ['error', ENVIRONMENT, WALL_CLOCK, RACE],
      'no-restricted-syntax': ['error', NEW_DATE],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      ...limits(300, 50),
    },
  },

  /* TypeScript. */
  {
    files: [...SOURCES, ...TESTS],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: {
      'import-x': importX,
      holdfast: { rules: { 'no-cycle': noCycle, 'require-safety': requireSafety } },
    },
    settings: IMPORT_SETTINGS,
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: layerZones() }],
      'import-x/no-self-import': 'error',
      'import-x/no-default-export': 'error',
      'holdfast/no-cycle': 'error',
      'holdfast/require-safety': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Express knows an error handler by its four parameters.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // Numbers are what most of our messages carry.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // It takes a flag or a signal that was tested once for constant, across every await; in code that waits for a
      // living and then looks again it is wrong nearly every time.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // require-safety asks for a reason instead.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },

  /* What ships. */
  {
    files: SOURCES,
    plugins: { documented: { rules: { 'require-tsdoc': requireTsdoc } } },
    rules: {
      'documented/require-tsdoc': 'error',
      'no-restricted-syntax': ['error', NEW_DATE, SPREAD_PARTS],
    },
  },
  // Version 2 of Grafana's format, which the SDK would rather make, is read by the newest Grafana only.
  { files: ['observability/render/grafana.ts'], rules: { '@typescript-eslint/no-deprecated': 'off' } },
  ...singleImporters(),
  // The client is a package of its own, with two variables of its own.
  {
    files: ['src/config/env.ts', 'src/client/environment.ts'],
    rules: { 'no-restricted-properties': ['error', WALL_CLOCK, RACE] },
  },
  {
    files: ['src/core/clock.ts'],
    rules: { 'no-restricted-properties': ['error', ENVIRONMENT, RACE], 'no-restricted-syntax': 'off' },
  },
  { files: ['src/cli/**/*.ts', 'src/supervisor/doctor*.ts'], rules: { 'no-console': 'off' } },

  /* Tests: a table of cases may be long, matchers are `any`, and tests look at clocks and the environment. */
  {
    files: TESTS,
    rules: {
      ...limits(600, null),
      'no-restricted-properties': ['error', RACE],
      'no-restricted-syntax': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: ['test/{unit,integration,e2e}/**/*.ts'], rules: { 'holdfast/require-safety': 'off' } },
  {
    files: ['test/support/{environment,global-*}.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  { files: ['bench/**/*.ts'], rules: { 'no-console': 'off' } },

  /* Scripts that run without a build. */
  {
    files: [...PLAIN, 'bin/holdfast'],
    rules: { ...limits(300, null), 'no-console': 'off', 'no-restricted-properties': ['error', RACE] },
  },
);

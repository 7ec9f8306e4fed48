import { createNodeResolver } from 'eslint-plugin-import-x';

/** Without extensions and parser, import-x silently reads no TypeScript file, and no-cycle finds no cycle. */
export const IMPORT_SETTINGS = {
  'import-x/extensions': ['.ts'],
  'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
  'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.json'] })],
};

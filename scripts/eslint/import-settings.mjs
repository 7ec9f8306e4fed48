import { createNodeResolver } from 'eslint-plugin-import-x';

/** Without it import-x resolves no TypeScript file, and its rules about paths report nothing. */
export const IMPORT_SETTINGS = {
  'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.json'] })],
};

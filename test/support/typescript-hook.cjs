/*
 * `node -r test/support/typescript-hook.cjs file.ts`: runs the sources as a process of their own, without a build. What
 * it compiles it keeps by content, so that of many processes only the first one loads the compiler.
 */
const { createHash, randomBytes } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { version } = require('@swc/core/package.json');

const CACHE = join(__dirname, '../../node_modules/.cache/holdfast/typescript');
const OPTIONS = {
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022', keepClassNames: true },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
};

require.extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  const key = JSON.stringify([version, OPTIONS, filename, source]);
  const cached = join(CACHE, `${createHash('sha256').update(key).digest('hex')}.js`);
  module._compile(read(cached) ?? compile(source, filename, cached), filename);
};

/** The content of a file; null if it cannot be read. */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function compile(source, filename, cached) {
  const { code } = require('@swc/core').transformSync(source, { filename, ...OPTIONS });
  try {
    mkdirSync(CACHE, { recursive: true });
    // Others may read and write the same file.
    const draft = `${cached}.${randomBytes(6).toString('hex')}`;
    writeFileSync(draft, code);
    renameSync(draft, cached);
  } catch {
    // Companions of browsers run as another user, who may not write there.
  }
  return code;
}

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that npm packs without being told. */
const ALWAYS = ['LICENSE', 'README.md'];

/** Writes the package `holdfast` into an empty folder: what its `files` name, under an adjusted manifest. */
export function writeServicePackage(root, folder) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = manifest.files.filter(entry => !entry.startsWith('!'));
  for (const entry of [...wanted, ...ALWAYS])
    cpSync(join(root, entry), join(folder, entry), { recursive: true });
  const adjusted = { ...manifest, dependencies: withoutDownload(manifest.dependencies) };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(adjusted, null, 2)}\n`);
}

/**
 * The package `puppeteer` is `puppeteer-core` and an install script, which downloads two browsers, or makes the whole
 * install fail where it cannot. This repository switches it off with `.puppeteerrc.cjs`; a package has no say in that.
 * So the packed service gets `puppeteer-core` of the same version under the name `puppeteer`.
 */
function withoutDownload(dependencies) {
  return { ...dependencies, puppeteer: `npm:puppeteer-core@${dependencies.puppeteer}` };
}

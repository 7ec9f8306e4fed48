import { execFile } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeTempDir, type TempDir } from './temp-dir';

const ROOT = resolve(__dirname, '../..');
const run = promisify(execFile);

/** Empty projects with the packages that `npm run pack` has written. */
export interface InstalledPackages {
  /** Has `holdfast` and its dependencies. */
  readonly service: string;
  /** Has `holdfast-client` and nothing else. */
  readonly bare: string;
  /** The same, with every library that a user of the client may add. */
  readonly client: string;
  remove(): Promise<void>;
}

/** Packs, and installs each package once. */
export async function installPackages(): Promise<InstalledPackages> {
  const dir = await makeTempDir();
  try {
    const script = join(ROOT, 'scripts/pack.mjs');
    const packed = join(dir.path, 'packed');
    const { stdout } = await run(process.execPath, [script, packed], { env: shellEnvironment() });
    const [service = '', client = ''] = stdout.trim().split('\n');
    const projects = {
      service: await project(dir, 'service', service),
      bare: await project(dir, 'bare', client),
      client: join(dir.path, 'client'),
    };
    await cp(projects.bare, projects.client, { recursive: true });
    for (const peer of ['bullmq', 'ioredis', 'puppeteer-core', 'playwright-core']) {
      await symlink(join(ROOT, 'node_modules', peer), join(projects.client, 'node_modules', peer));
    }
    return { ...projects, remove: () => dir.remove() };
  } catch (error) {
    await dir.remove();
    throw error;
  }
}

async function project(dir: TempDir, name: string, tarball: string): Promise<string> {
  const folder = join(dir.path, name);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  // Packages that `npm ci` has installed for this repository are in npm's cache, so npm downloads nothing. Peers are
  // optional.
  const flags = ['--prefer-offline', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, '--no-package-lock', tarball], {
    cwd: folder,
    env: shellEnvironment(),
  });
  return folder;
}

/** The environment of a shell: npm adds variables about the current package to the environment of its scripts. */
export function shellEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?:config_local_prefix|config_prefix|execpath|lifecycle|package|command)/.test(name),
  );
  return {
    ...Object.fromEntries(entries),
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  };
}

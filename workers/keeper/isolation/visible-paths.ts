import { lstat, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a cage shows of the machine, read-only, besides the browser's own folders. */
export interface VisiblePaths {
  /** Must be there. */
  readonly required: readonly string[];
  /** Shown if they are there. */
  readonly optional: readonly string[];
  /** Links: where they are, and what they name. */
  readonly links: readonly { readonly at: string; readonly target: string }[];
}

/** Where distributions keep programs and libraries; a link to a folder in /usr on most of them. */
const SYSTEM_FOLDERS = ['/lib', '/lib32', '/lib64', '/libx32', '/bin', '/sbin'];

/** Other stores of programs, which everybody may read. */
const STORES = ['/nix/store', '/gnu/store'];

/**
 * Fonts, libraries, certificates, names, policies of Chromium. No accounts: /etc/passwd is one of the keeper's. Few,
 * because each is a mount at every start.
 */
const SETTINGS = [
  'alternatives',
  'ca-certificates',
  'chromium',
  'chromium.d',
  'crypto-policies',
  'fonts',
  'hosts',
  'ld.so.cache',
  'nsswitch.conf',
  'opt/chrome',
  'pki',
  'resolv.conf',
  'ssl',
  'timezone',
].map(name => join('/etc', name));

/** How many processors there are, and the cache without which all fonts are read at every start. */
const OTHERS = ['/sys/devices/system/cpu', '/var/cache/fontconfig', '/var/lib/ca-certificates'];

const LOCAL_TIME = '/etc/localtime';

/**
 * What a browser needs to see on this machine.
 *
 * @param programs - the browsers' executables
 * @param reads - further paths of the operator
 * @throws if one of them is not there.
 */
export async function visiblePaths(
  programs: readonly string[],
  reads: readonly string[],
): Promise<VisiblePaths> {
  const links: { at: string; target: string }[] = [];
  const required = ['/usr'];
  for (const at of SYSTEM_FOLDERS) {
    const stats = await lstat(at).catch(() => null);
    if (stats?.isSymbolicLink()) links.push({ at, target: await readlink(at) });
    else if (stats?.isDirectory()) required.push(at);
  }
  // Chromium knows the name of the time zone by what the link names.
  const zone = await realpath(LOCAL_TIME).catch(() => null);
  if (zone?.startsWith('/usr/')) links.push({ at: LOCAL_TIME, target: zone });
  const optional = [...STORES, ...SETTINGS, ...OTHERS, ...(zone?.startsWith('/usr/') ? [] : [LOCAL_TIME])];
  const real = await Promise.all(programs.map(program => realpath(program)));
  const folders = new Set([...programs, ...real].map(program => dirname(program)));
  const isShown = (path: string): boolean =>
    [...required, ...STORES, ...links.map(({ at }) => at)].some(
      folder => path === folder || path.startsWith(`${folder}/`),
    );
  required.push(...[...folders].filter(folder => !isShown(folder)), ...reads);
  return { required, optional, links };
}

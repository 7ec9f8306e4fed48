import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether this user may make rules of nftables; if not, prints what is skipped. */
export function canFilter(): boolean {
  try {
    if (process.getuid?.() !== 0) throw new Error('not root');
    nft('list tables');
    return true;
  } catch (error) {
    process.stderr.write(`SKIPPED: tests of the firewall need root and nftables (${String(error)})\n`);
    return false;
  }
}

/** What nft says. @throws if it refuses. */
export function nft(statement: string): string {
  return execFileSync('/usr/sbin/nft', statement.split(' '), { encoding: 'utf8', stdio: 'pipe' });
}

/** The table of the keeper of a data folder; null if there is none. */
export async function firewallOf(dataDir: string): Promise<string | null> {
  const [hostId = ''] = (await readFile(join(dataDir, 'run/host-id'), 'utf8')).split('\n');
  const name = `holdfast_${hostId.replaceAll('-', '').slice(0, 12)}`;
  return nft('list tables').includes(name) ? nft(`list table inet ${name}`) : null;
}

import type { User } from './run-root';

/**
 * What comes before a command so that it runs as the browser's user, in no other group and without a way to gain
 * privileges: setpriv(1) of util-linux, which becomes the command. Empty for a keeper that is not root, and on systems
 * other than Linux.
 */
export function dropPrivileges({ uid, gid }: User): readonly string[] {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return [];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--'];
}

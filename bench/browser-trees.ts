import { allPids, readProc } from '../test/support/proc';

const KIB_PER_MIB = 1_024;

/** A process and all below it. */
export function treeOf(root: number): number[] {
  const parents = new Map(
    allPids().map(pid => [pid, Number(/\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1] ?? 0)]),
  );
  const below = (pid: number): number[] =>
    [...parents].flatMap(([child, parent]) => (parent === pid ? [child] : []));
  const tree = [root];
  for (const pid of tree) tree.push(...below(pid));
  return tree;
}

/** The memory of a process and all below it, MiB; each shared page counts in parts (PSS). */
export function pssMiB(root: number): number {
  const kib = treeOf(root).map(pid =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0),
  );
  return kib.reduce((sum, each) => sum + each, 0) / KIB_PER_MIB;
}

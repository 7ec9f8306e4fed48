/** A longer word is not compared: it is not a typing error. */
const LENGTH_MAX = 64;

/**
 * The known word that was most likely meant by an unknown one; null if none is near. Case, `_` and `-` do not count. A
 * word is near if one of the two begins or ends the other (`proxyUrl` and `proxy`, `w` and `width`), or if a third of
 * its letters differ at most.
 */
export function nearestWord(written: string, known: readonly string[]): string | null {
  if (written.length > LENGTH_MAX) return null;
  const given = plain(written);
  if (given === '') return null;
  const ranked = known
    .map(word => ({ word, distance: editDistance(given, plain(word)), isPart: isPart(given, plain(word)) }))
    .filter(({ word, distance, isPart: near }) => near || distance <= plain(word).length / 3)
    .sort((a, b) => Number(b.isPart) - Number(a.isPart) || a.distance - b.distance);
  return ranked[0]?.word ?? null;
}

const plain = (word: string): string => word.toLowerCase().replaceAll(/[_-]/g, '');

/* One letter matches a word that begins with it. Other short words are part of too many words to count. */
const isPart = (given: string, word: string): boolean =>
  word.startsWith(given) ||
  (given.length > 1 && word.endsWith(given)) ||
  (word.length > 3 && given.startsWith(word));

/** How many letters have to be added, removed, replaced or swapped with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (last[column] ?? Infinity) + 1,
        (current[column - 1] ?? Infinity) + 1,
        (last[column - 1] ?? Infinity) + Number(!isSame),
        isSwap && row > 1 && column > 1 ? (beforeLast[column - 2] ?? Infinity) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? Infinity;
}

/** A part of a pattern; `*` and `**` differ in whether they go over slashes. */
type Part = { readonly text: string } | { readonly wildcard: '*' | '**' } | { readonly oneOf: string[] };

/** For each place in the URL, whether the parts so far can end there. */
type Places = readonly boolean[];

/**
 * Whether a URL is the one that a pattern describes: `**` stands for anything, `*` for anything without a slash,
 * `{a,b}` for one of several. All other characters, also `?`, stand for themselves, and any does after a backslash. A
 * pattern that is a whole URL may leave out what URLs have implicitly, such as the last slash of
 * `https://shop.example`.
 *
 * Takes time in proportion to the length of both, whatever the pattern: a regular expression would not.
 */
export function urlMatches(pattern: string, url: string): boolean {
  if (URL.canParse(pattern) && new URL(pattern).href === url) return true;
  const start = Array.from({ length: url.length + 1 }, (_, place) => place === 0);
  return advance(start, pattern, url)[url.length] === true;
}

function advance(from: Places, pattern: string, url: string): Places {
  return partsOf(pattern).reduce((places, part) => after(part, places, url), from);
}

function after(part: Part, from: Places, url: string): Places {
  if ('oneOf' in part) {
    const ends = part.oneOf.map(choice => advance(from, choice, url));
    return from.map((_, place) => ends.some(end => end[place]));
  }
  if ('text' in part)
    return from.map((_, place) => place > 0 && from[place - 1] === true && url[place - 1] === part.text);
  let isOpen = false;
  return from.map((isHere, place) => {
    const goesOn = isOpen && (part.wildcard === '**' || url[place - 1] !== '/');
    isOpen = isHere || goesOn;
    return isOpen;
  });
}

function partsOf(pattern: string): Part[] {
  return Array.from(pattern.matchAll(/\\([^])|\{([^{}]*)\}|\*\*?|[^]/g), ([token, escaped, list]) => {
    if (escaped !== undefined) return { text: escaped };
    if (list !== undefined) return { oneOf: list.split(',') };
    return token === '*' || token === '**' ? { wildcard: token } : { text: token };
  });
}

/** How many labels a session may have. */
export const LABELS_MAX = 8;

/** What a label may be called. */
export const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

/** What it may be: anything printable. */
export const LABEL_VALUE = /^[^\p{Cc}\p{Cs}]{0,128}$/u;

/** A selector that was understood, or what is wrong with it. */
export type ParsedSelector =
  | { readonly labels: Readonly<Record<string, string>> }
  | { readonly labels: null; readonly problem: string; readonly notSupported: boolean };

/** Operators of Kubernetes' selectors that we know of and do not have. */
const OTHER_OPERATOR = /!=|^!|\s(?:in|notin)\s*\(|^[A-Za-z0-9._/-]+$/;

/**
 * Reads `name=value,name=value`; all of them must hold. `==` is the same as `=`. A value with a comma cannot be selected.
 */
export function parseLabelSelector(text: string): ParsedSelector {
  const labels = new Map<string, string>();
  for (const term of text.split(',').map(part => part.trim())) {
    if (term === '') continue;
    if (OTHER_OPERATOR.test(term)) {
      return { labels: null, problem: `"${term}": only name=value is built yet`, notSupported: true };
    }
    const [, name = '', value = ''] = /^([^=]*?)\s*==?\s*(.*)$/.exec(term) ?? [];
    if (!LABEL_NAME.test(name) || !LABEL_VALUE.test(value)) {
      return { labels: null, problem: `"${term}" is not name=value`, notSupported: false };
    }
    if (labels.has(name) && labels.get(name) !== value) {
      return { labels: null, problem: `${name} cannot have two values`, notSupported: false };
    }
    labels.set(name, value);
  }
  return { labels: Object.fromEntries(labels) };
}

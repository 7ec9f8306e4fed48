/** The values that the YAML files are made of. */
export type Yaml = string | number | readonly Yaml[] | { readonly [key: string]: Yaml };

/** YAML in block style. Strings are quoted as in JSON, which YAML contains. */
export function toYaml(value: Yaml, indent = ''): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    // SAFETY: Array.isArray does not narrow readonly arrays.
    const items = value as readonly Yaml[];
    if (items.length === 0) return '[]';
    return items.map(item => `\n${indent}- ${toYaml(item, inner).trimStart()}`).join('');
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  return entries.map(([key, item]) => `\n${indent}${key}: ${toYaml(item, inner)}`).join('');
}

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ConfigurationError } from './errors.ts';

/** How messages refer to a kind of file. */
export interface YamlFileKind {
  /** In sentences: `bindings`. */
  readonly name: string;
  /** In error codes: `bindings`. */
  readonly code: string;
  readonly nextStep: string;
}

export const BINDINGS_FILE: YamlFileKind = {
  name: 'bindings',
  code: 'bindings',
  nextStep: 'Pass the path of a YAML file as described in docs/own-streams.md.',
};

export const SEARCH_MAPPING_FILE: YamlFileKind = {
  name: 'search mapping',
  code: 'search-mapping',
  nextStep: 'Pass the path of a YAML or JSON file as described in docs/search.md.',
};

/**
 * The content of a YAML file, and therefore of a JSON file too; null if it is empty.
 *
 * @throws ConfigurationError if it cannot be read or is not YAML
 */
export function readYamlFile(path: string, { name, code, nextStep }: YamlFileKind): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `${name} ${path}: the file cannot be read`;
    throw new ConfigurationError(`unreadable-${code}`, message, { nextStep, cause });
  }
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unreadable';
    throw new ConfigurationError(`invalid-${code}`, `${path}: ${reason}`, { nextStep, cause });
  }
}

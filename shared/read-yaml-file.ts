import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ConfigurationError } from './errors.ts';

/** What a file is to the user, for messages. */
export interface YamlFileKind {
  /** As a sentence names it: `bindings`. */
  readonly name: string;
  /** As error codes name it: `bindings`. */
  readonly code: string;
  readonly nextStep: string;
}

export const BINDINGS_FILE: YamlFileKind = {
  name: 'bindings',
  code: 'bindings',
  nextStep: 'Give the path of a YAML file as docs/own-streams.md describes it.',
};

export const SEARCH_MAPPING_FILE: YamlFileKind = {
  name: 'search mapping',
  code: 'search-mapping',
  nextStep: 'Give the path of a YAML or JSON file as docs/search.md describes it.',
};

/**
 * The content of a file in YAML, of which JSON is a part; null where it is empty.
 *
 * @throws ConfigurationError where it can't be read, or is no YAML
 */
export function readYamlFile(path: string, { name, code, nextStep }: YamlFileKind): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `${name} ${path}: the file can't be read`;
    throw new ConfigurationError(`unreadable-${code}`, message, { nextStep, cause });
  }
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unreadable';
    throw new ConfigurationError(`invalid-${code}`, `${path}: ${reason}`, { nextStep, cause });
  }
}

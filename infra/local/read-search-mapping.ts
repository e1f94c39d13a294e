import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { ConfigurationError } from '../../shared/errors.ts';
import { parseSearchSettings, type SearchSettings } from '../../shared/search/search-settings.ts';

const NEXT_STEP = 'Give the path of a YAML or JSON file as docs/search.md describes it.';

/**
 * Reads what search indexes consist of from a file in YAML, of which JSON is a part.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
export async function readSearchMapping(path: string): Promise<SearchSettings> {
  return parseSearchSettings(parseYaml(await readText(path), path), path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(
      'unreadable-search-mapping',
      `search mapping ${path}: the file can't be read`,
      {
        nextStep: NEXT_STEP,
        cause,
      },
    );
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unreadable';
    throw new ConfigurationError('invalid-search-mapping', `${path}: ${reason}`, {
      nextStep: NEXT_STEP,
      cause,
    });
  }
}

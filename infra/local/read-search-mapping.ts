import { parseSearchSettings, type SearchSettings } from '../../shared/search/search-settings.ts';
import { readYamlFile } from './read-yaml-file.ts';

const SEARCH_MAPPING = {
  name: 'search mapping',
  code: 'search-mapping',
  nextStep: 'Give the path of a YAML or JSON file as docs/search.md describes it.',
};

/**
 * Reads what search indexes consist of from a file in YAML, of which JSON is a part.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
export async function readSearchMapping(path: string): Promise<SearchSettings> {
  return parseSearchSettings((await readYamlFile(path, SEARCH_MAPPING)) ?? {}, path);
}

import { readYamlFile, SEARCH_MAPPING_FILE } from '../../shared/read-yaml-file.ts';
import { parseSearchSettings, type SearchSettings } from '../../shared/search-settings.ts';

/**
 * Reads what search indexes consist of from a file in YAML, of which JSON is a part.
 *
 * @throws ConfigurationError where it can't be read, or that names the place of everything that is wrong
 */
export function readSearchMapping(path: string): SearchSettings {
  return parseSearchSettings(readYamlFile(path, SEARCH_MAPPING_FILE) ?? {}, path);
}

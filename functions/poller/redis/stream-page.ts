import { BODY_NAME, type StreamEntry } from './stream-entry.ts';

/*
 * A page is returned as two values: a JSON head (for each entry its ID, earlier attempts, idle time, and the lengths of its names
 * and values) and their concatenated bytes. Decoding thousands of small replies one by one would cost the client three times
 * as much as Redis spends on the entries. JSON is parsed natively.
 */

/** Lua: collects entries; `bytes` is the length of their names and values. */
export const PAGE = `
local heads, texts, bytes = {}, {}, 0
local function add(id, attempts, idle, fields)
  local head = {id, attempts, idle}
  for index, text in ipairs(fields or {}) do
    head[index + 3] = #text
    texts[#texts + 1] = text
    bytes = bytes + #text
  end
  heads[#heads + 1] = head
end
local function page()
  return {cjson.encode(heads), table.concat(texts)}
end
`;

/** Decodes the entries that a script collected with `PAGE`. */
export function toEntries(reply: unknown): StreamEntry[] {
  const [heads, texts]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Buffer.isBuffer(heads) || !Buffer.isBuffer(texts)) return [];
  const page: unknown = JSON.parse(heads.toString('latin1'));
  const rest = new PageTexts(texts);
  // Lua has no empty list: it encodes one as an empty object.
  return Array.isArray(page) ? page.map((head) => toEntry(head, rest)) : [];
}

function toEntry(head: unknown, texts: PageTexts): StreamEntry {
  const parts: readonly unknown[] = Array.isArray(head) ? head : [];
  const [id, attempts, idleMs] = parts;
  const entry = { id: String(id), earlierAttempts: Number(attempts), fields: toFields(parts, texts) };
  return typeof idleMs === 'number' ? { ...entry, idleMs } : entry;
}

/** Every stream entry has fields, so one without any was deleted. */
function toFields(parts: readonly unknown[], texts: PageTexts): [Buffer, Buffer][] | undefined {
  if (parts.length === FIRST_LENGTH) return undefined;
  const fields: [Buffer, Buffer][] = [];
  for (let index = FIRST_LENGTH; index + 1 < parts.length; index += 2)
    fields.push([texts.name(Number(parts[index])), texts.next(Number(parts[index + 1]))]);
  return fields;
}

/** Index of the first length in an entry's head. */
const FIRST_LENGTH = 3;

class PageTexts {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Nearly all fields are named `s`, so they share one buffer for it. */
  name(length: number): Buffer {
    const isBody = length === 1 && this.#bytes[this.#position] === BODY_NAME[0];
    return isBody ? this.#skip(BODY_NAME) : this.next(length);
  }

  next(length: number): Buffer {
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  #skip(text: Buffer): Buffer {
    this.#position += text.length;
    return text;
  }
}

import { CloudWatchLogs, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig } from './client-config.ts';
import type { LocalStackAddress } from './localstack.ts';

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** What a function has written to CloudWatch Logs. LocalStack delivers an invocation's lines when it has ended. */
export class FunctionLogs {
  readonly #client: CloudWatchLogs;
  readonly #logGroupName: string;
  readonly #seen = new Set<string>();
  #latest = 0;

  constructor(localStack: LocalStackAddress, functionName: string) {
    this.#client = new CloudWatchLogs(clientConfig(localStack));
    // LocalStack takes no notice of a log group that the function names.
    this.#logGroupName = `/aws/lambda/${functionName}`;
  }

  /** The lines that are new since the last call, oldest first. */
  async read(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    let nextToken: string | undefined;
    try {
      do {
        const { events = [], nextToken: next } = await this.#client.filterLogEvents({
          logGroupName: this.#logGroupName,
          startTime: this.#latest,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        for (const { eventId = '', timestamp = 0, message = '' } of events) {
          if (this.#seen.has(eventId)) continue;
          this.#seen.add(eventId);
          lines.push({ time: timestamp, text: message.trimEnd() });
        }
        nextToken = next;
      } while (nextToken !== undefined);
    } catch (error) {
      // The group comes with the first lines.
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
    this.#latest = Math.max(this.#latest, ...lines.map(({ time }) => time));
    return lines;
  }
}

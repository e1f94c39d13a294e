import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { BenchServers } from '../bench-servers.ts';
import type { Load } from '../loads/load.ts';
import { DATABASE } from '../loads/schema.ts';
import type { Testbed } from '../testbed.ts';
import type { Candidate } from './candidate.ts';
import type { RsyslogProgram } from './rsyslog-package.ts';

export const RSYSLOG = 'rsyslog';

const LIST = 'statements';
const MESSAGES_PER_PUSH = 2000;
const POLL_INTERVAL_MS = 5;
const TIMEOUT_MS = 300_000;

/** The literals in a load's statements. */
const LITERALS = /'([^']*)'|\b(\d+)\b/g;
const SEPARATOR = '|';

/**
 * rsyslog reads messages from a list in Redis (imhiredis, in its fastest mode) and inserts their fields into a statement
 * (ommysql). The measured time is from the first message that it reads to the last statement that it commits.
 */
export function rsyslog(
  program: RsyslogProgram,
  testbed: Testbed,
  servers: BenchServers,
  load: Load,
): Candidate {
  return {
    name: RSYSLOG,
    run: async () => {
      await testbed.reset(load);
      await testbed.withRedis((redis) => pushMessages(redis, load));
      const directory = await mkdtemp(`${tmpdir()}/background-consumer-`);
      const configuration = `${directory}/rsyslog.conf`;
      await writeFile(configuration, configure(servers, load, directory));
      const parameters = ['-n', '-f', configuration, '-i', `${directory}/pid`];
      const child = spawn(program.file, [...program.parameters, ...parameters], { stdio: 'ignore' });
      try {
        const seconds = await testbed.withRedis((redis) => measure(redis, servers, load));
        await testbed.verify(load, RSYSLOG);
        return { rate: load.entries / seconds };
      } finally {
        const exit = once(child, 'exit');
        if (child.exitCode === null && child.kill('SIGKILL')) await exit;
        await rm(directory, { recursive: true });
      }
    },
  };
}

async function pushMessages(redis: Redis, load: Load): Promise<void> {
  for (let start = 0; start < load.entries; start += MESSAGES_PER_PUSH) {
    const length = Math.min(MESSAGES_PER_PUSH, load.entries - start);
    const messages = Array.from({ length }, (_, index) => toMessage(load.statement(start + index) ?? ''));
    await redis.rpush(LIST, ...messages);
  }
}

function toMessage(statement: string): string {
  return Array.from(statement.matchAll(LITERALS), ([, text, number]) => text ?? number).join(SEPARATOR);
}

/** The load's first statement, with each literal replaced by a field of the message. */
function toTemplate(statement: string): string {
  let field = 0;
  return statement.replace(LITERALS, (_, text: string | undefined) => {
    field++;
    const property = `%rawmsg:F,${SEPARATOR.charCodeAt(0)}:${field}%`;
    return text === undefined ? property : `'${property}'`;
  });
}

function configure({ mysql, redis }: BenchServers, load: Load, directory: string): string {
  return `module(load="imhiredis")
module(load="ommysql")
global(workDirectory="${directory}" maxMessageSize="64k")
template(name="statement" type="string" option.sql="on" string="${toTemplate(load.statement(0) ?? '')}")
ruleset(name="statements" queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="1000") {
  action(type="ommysql" server="${mysql.host}" serverport="${mysql.port}" db="${DATABASE}"
    uid="${mysql.user}" pwd="${mysql.password}" template="statement")
}
input(type="imhiredis" server="${redis.host}" port="${redis.port}" mode="queue" key="${LIST}" uselpop="on"
  batchsize="1000" ruleset="statements")
`;
}

/** Measures seconds. rsyslog does not report when it is done, so this relies on the counters of the MySQL server. */
async function measure(redis: Redis, { mysql }: BenchServers, load: Load): Promise<number> {
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password });
  const readNumber = async (query: string): Promise<number> => {
    const [[row]] = await connection.query<RowDataPacket[]>(query);
    return Number(row?.['Value']);
  };
  const readWritten = () =>
    readNumber(
      "SELECT SUM(VARIABLE_VALUE) AS Value FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('COM_INSERT', 'COM_UPDATE')",
    );
  const readOpen = () => readNumber('SELECT COUNT(*) AS Value FROM information_schema.INNODB_TRX');
  try {
    const writtenBefore = await readWritten();
    const deadline = performance.now() + TIMEOUT_MS;
    while ((await redis.llen(LIST)) === load.entries) await waitOrTimeOut(deadline);
    const startedAt = performance.now();
    while ((await readWritten()) - writtenBefore < load.entries) await waitOrTimeOut(deadline);
    while ((await readOpen()) > 0) await waitOrTimeOut(deadline);
    return (performance.now() - startedAt) / 1000;
  } finally {
    await connection.end();
  }
}

async function waitOrTimeOut(deadline: number): Promise<void> {
  if (performance.now() > deadline) throw new Error(`${RSYSLOG} did not finish within ${TIMEOUT_MS} ms`);
  await sleep(POLL_INTERVAL_MS);
}

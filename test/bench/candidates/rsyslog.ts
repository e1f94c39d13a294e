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
import type { Stage } from '../testbed.ts';
import type { Contestant } from './candidate.ts';
import type { RsyslogProgram } from './rsyslog-package.ts';

export const RSYSLOG = 'rsyslog';

const LIST = 'statements';
const MESSAGES_PER_PUSH = 2000;
const LOOK_INTERVAL_MS = 5;
const PATIENCE_MS = 300_000;

/** Literals of a load's statements. */
const LITERALS = /'([^']*)'|\b(\d+)\b/g;
const SEPARATOR = '|';

/**
 * rsyslog takes messages from a list in Redis (imhiredis, its fastest mode) and puts their fields into a statement
 * (ommysql). Measured from the first message taken to the last statement committed.
 */
export function rsyslog(
  program: RsyslogProgram,
  stage: Stage,
  servers: BenchServers,
  load: Load,
): Contestant {
  return {
    name: RSYSLOG,
    turn: async () => {
      await stage.clear(load);
      await stage.withRedis((redis) => pushMessages(redis, load));
      const directory = await mkdtemp(`${tmpdir()}/background-consumer-`);
      const configuration = `${directory}/rsyslog.conf`;
      await writeFile(configuration, configure(servers, load, directory));
      const parameters = ['-n', '-f', configuration, '-i', `${directory}/pid`];
      const child = spawn(program.file, [...program.parameters, ...parameters], { stdio: 'ignore' });
      try {
        const seconds = await stage.withRedis((redis) => measure(redis, servers, load));
        await stage.check(load, RSYSLOG);
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

/** The load's first statement with a field of the message in the place of each literal. */
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
ruleset(name="work" queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="1000") {
  action(type="ommysql" server="${mysql.host}" serverport="${mysql.port}" db="${DATABASE}"
    uid="${mysql.user}" pwd="${mysql.password}" template="statement")
}
input(type="imhiredis" server="${redis.host}" port="${redis.port}" mode="queue" key="${LIST}" uselpop="on"
  batchsize="1000" ruleset="work")
`;
}

/** Seconds of work. rsyslog doesn't say when it is done: the server's own counts do. */
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
    const deadline = performance.now() + PATIENCE_MS;
    while ((await redis.llen(LIST)) === load.entries) await lookAgain(deadline);
    const startedAt = performance.now();
    while ((await readWritten()) - writtenBefore < load.entries) await lookAgain(deadline);
    while ((await readOpen()) > 0) await lookAgain(deadline);
    return (performance.now() - startedAt) / 1000;
  } finally {
    await connection.end();
  }
}

async function lookAgain(deadline: number): Promise<void> {
  if (performance.now() > deadline) throw new Error(`${RSYSLOG} is not done after ${PATIENCE_MS} ms`);
  await sleep(LOOK_INTERVAL_MS);
}
